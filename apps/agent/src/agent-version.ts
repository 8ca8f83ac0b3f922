/** Told to the hub at enrolment and in every hello; the release writes it. */
export const AGENT_VERSION = '0.1.0';
