/**
 * Writes to standard output and resolves when all of it is handed over. A program that ends before that cuts a long
 * answer off where the pipe was full: seen at 180 KB of JSON.
 */
export function writeOut(text: string): Promise<void> {
  return new Promise((written, failed) => {
    process.stdout.write(text, (error) => (error ? failed(error) : written()));
  });
}
