// The generated client names the DOM's BodyInit; Node has the type only inside RequestInit, and the rest of the DOM's
// types stay out of a terminal program.
declare global {
  type BodyInit = NonNullable<RequestInit['body']>;
}
export {};
