import { build } from 'esbuild';
import path from 'node:path';

export type ChildName =
  'backup-cluster' | 'crowd' | 'bare-server' | 'kube-cluster' | 'preflight-cluster' | 'drain-runs';

/**
 * Programs of the bench that run beside it. Each is a bundle of its own, so that a measured process holds what it
 * needs and not all that the bench needs.
 */
export async function bundleChild(root: string, name: ChildName): Promise<string> {
  const outfile = path.join(root, '.build', `bench-${name}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [`test/bench/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    packages: 'external',
    logLevel: 'warning',
    // The kube world finds its scripts beside its own sources; bundled, "beside" would be another folder.
    define: { 'import.meta.dirname': JSON.stringify(path.join(root, 'test/kube/world')) },
  });
  return outfile;
}
