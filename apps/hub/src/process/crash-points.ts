/**
 * Named points at which the catastrophes' tests end the hub by SIGKILL: "runner.afterCommit" the first time it is
 * reached, "runner.afterCommit:3" the third time. "runner.beforeCommit:3:pause" stops it there instead (SIGSTOP), as
 * a suspended machine would: it goes on, older than it knows, when somebody sends SIGCONT. Without the setting a point
 * costs one comparison.
 */
export function armCrashPoint(setting: string | null): { reach(name: string): void } {
  if (!setting) return { reach: () => undefined };
  const [point, count = '1', how] = setting.split(':');
  const signal = how === 'pause' ? 'SIGSTOP' : 'SIGKILL';
  let left = Number(count);
  return {
    reach: (name) => {
      if (name !== point) return;
      left -= 1;
      if (left === 0) process.kill(process.pid, signal);
    },
  };
}
