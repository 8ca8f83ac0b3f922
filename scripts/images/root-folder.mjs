// Folders that become layers. Modes are set, not taken over: a checkout's umask must not change an image's digest.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export function putFile(root, path, from, mode = 0o644) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(from, file);
  chmodSync(file, mode);
}

export function putText(root, path, text, mode = 0o644) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

export function putLink(root, path, to) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(to, join(root, path));
}

export function putFolder(root, path, mode = 0o755) {
  mkdirSync(join(root, path), { recursive: true });
  chmodSync(join(root, path), mode);
}

/** A whole folder; `wanted(name)` says of each file whether it belongs. Links stay links. */
export function putTree(root, path, from, wanted = () => true) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(path, entry.name)];
    if (entry.isDirectory()) putTree(root, target, source, wanted);
    else if (!wanted(target)) continue;
    else if (entry.isSymbolicLink()) {
      mkdirSync(dirname(join(root, target)), { recursive: true });
      symlinkSync(readlinkSync(source), join(root, target));
    } else putFile(root, target, source, statSync(source).mode & 0o111 ? 0o755 : 0o644);
  }
}

/** Folders as they are made depend on the umask: all readable at the end. */
export function settleFolders(root) {
  for (const name of readdirSync(root)) {
    const path = join(root, name);
    if (!lstatSync(path).isDirectory()) continue;
    if ((lstatSync(path).mode & 0o1000) === 0) chmodSync(path, 0o755);
    settleFolders(path);
  }
  if ((lstatSync(root).mode & 0o1000) === 0) chmodSync(root, 0o755);
}

/** What a program is linked to, the loader included, each at the path by which it is asked for. */
export function librariesOf(programs, found = () => false) {
  const paths = new Set();
  for (const program of programs) {
    const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n');
    for (const line of lines) {
      const path = /=> (\/\S+)/.exec(line)?.[1] ?? /^\s*(\/\S+)/.exec(line)?.[1];
      if (path && !found(path)) paths.add(path);
    }
  }
  return [...paths].sort();
}

export function putLibraries(root, libraries) {
  for (const path of libraries) putFile(root, path, realpathSync(path), 0o755);
}
