import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { freemem } from 'node:os';
import { SHAPES } from './lab-shape.js';
import type { ShapeName } from './lab-shape.js';

/**
 * Watches of files that a node holds (systemd, kubelet, containerd, on a control plane the API server and its
 * controllers), counted on nodes that ran. The kernel gives each user 128 of them unless it is told otherwise, and a node
 * that gets none does not boot, without a word.
 */
const WATCHES = { controlPlane: 20, worker: 11 };
/** What a node uses at its worst, while its old and new static pods overlap. */
const MEMORY_MB = { controlPlane: 700, worker: 200 };

function watchesOf(pid: string): number {
  try {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return open.filter((target) => target === 'anon_inode:inotify').length;
  } catch {
    return 0; // gone meanwhile, or another user's
  }
}

function watchesInUse(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.reduce((sum, pid) => sum + watchesOf(pid), 0);
}

/** Why no lab of this shape fits onto the machine now, with what would help; undefined when one does. */
export function whyNoRoom(shape: ShapeName): string | undefined {
  const { controlPlanes, workers } = SHAPES[shape];
  const sum = (of: { controlPlane: number; worker: number }): number =>
    controlPlanes * of.controlPlane + workers * of.worker;
  const limit = Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8'));
  const used = watchesInUse();
  if (used + sum(WATCHES) > limit) {
    return (
      `the kernel gives this user ${limit} file watches (fs.inotify.max_user_instances), ${used} are in use and shape ` +
      `${shape} needs about ${sum(WATCHES)}: take other labs down (make lab-down), or raise the limit yourself: ` +
      'sysctl -w fs.inotify.max_user_instances=1024 (the lab changes no settings of the machine)'
    );
  }
  const available =
    Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024 || freemem() / 2 ** 20;
  if (available < sum(MEMORY_MB)) {
    return `shape ${shape} needs about ${sum(MEMORY_MB)} MB of memory, ${Math.round(available)} MB are available`;
  }
  return undefined;
}
