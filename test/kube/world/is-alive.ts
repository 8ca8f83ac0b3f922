/** Whether a process of this id runs, whoever's it is. (0 is always alive: read from a file not yet written.) */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
