import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const IMAGE = join(import.meta.dirname, '../../../../deploy/images/node');

/** The programs of a Debian node as the step calls them, played: each keeps what it knows in files under `state`. */
const PROGRAMS: Readonly<Record<string, string>> = {
  sleep: 'exec /bin/true',
  df: 'echo "Filesystem 1M Used Avail"; echo "x 1 1 $(cat $S/free-mib)"',
  'dpkg-query': 'for p; do :; done; v=$(cat $S/installed-$p 2>/dev/null) && echo "installed $v"',
  dpkg: 'exit 0',
  'dpkg-deb':
    'mkdir -p "$3/usr/bin"; cp $S/../bin/kubeadm-of-a-package "$3/usr/bin/kubeadm"; chmod +x "$3/usr/bin/kubeadm"',
  'kubeadm-of-a-package': `case "$1 $2" in
    "config images") printf '%s\\n' registry.k8s.io/kube-apiserver:v9 registry.k8s.io/kube-proxy:v9 registry.k8s.io/coredns/coredns:v9 registry.k8s.io/pause:9 ;;
    "upgrade plan") cat $S/plan-says; exit $(cat $S/plan-exit) ;;
  esac`,
  'apt-mark': 'exit 0',
  'apt-cache': 'for p; do :; done; for v in $(cat $S/repository); do echo "$p | $v | file:"; done',
  'apt-get': `case "$*" in
    *update*) [ ! -f $S/repository-down ] || { echo 'E: Failed to fetch'; exit 100; } ;;
    *download*) for a; do case $a in *=*) last=$a ;; esac; done; echo > "\${last%%=*}_\${last#*=}_amd64.deb" ;;
    *install*) for a; do case $a in *.deb) f=\${a##*/}; p=\${f%%_*}; v=\${f#*_}; v=\${v%_amd64.deb}
        [ ! -f $S/no-install ] || { echo 'E: dpkg was interrupted'; exit 100; }
        echo "$v" > $S/installed-$p ;; esac; done ;;
  esac`,
  kubelet: 'v=$(cat $S/installed-kubelet); echo "Kubernetes v${v%-*}"',
  'running-kubelet': 'echo "Kubernetes v$(cat $S/running)"',
  systemctl: `case "$1" in
    restart) v=$(cat $S/installed-kubelet); echo "\${v%-*}" > $S/running; rm -f $S/stopped ;;
    stop) touch $S/stopped ;;
    is-active) b=$(cat $S/broken 2>/dev/null); [ ! -f $S/stopped ] && [ "$b" != all ] && [ "$(cat $S/running)" != "$b" ] ;;
    show) echo 4242 ;;
  esac`,
  journalctl: 'echo "E1121 command failed: failed to run Kubelet: unknown field \\"noSuchField\\""',
  curl: 'exit 0',
  ctr: 'case "$*" in *pull*) echo "ctr: failed to resolve reference $4"; exit 1 ;; esac; cat $S/images',
  pgrep: 'exit 1',
  kubectl: `case "$*" in *readyz*) exit 0 ;; *jsonpath*) cat $S/cluster-configuration ;; esac`,
  kubeadm: `case "$1 $2" in
    "version -o") v=$(cat $S/installed-kubeadm); echo "v\${v%-*}" ;;
    "upgrade apply" | "upgrade node")
      cp "$4" $S/upgrade.yaml
      v=$(cat $S/installed-kubeadm); v=\${v%-*}
      set_to() { sed -i "s#\\(image: .*$1:\\).*#\\1$2#" $R/etc/kubernetes/manifests/$1.yaml; }
      [ "$(cat $S/kubeadm-does)" != refuse ] || { echo '[preflight] Running checks'; echo 'error execution phase preflight: [ERROR CoreDNSMigration]: no'; exit 1; }
      [ -f $R/etc/kubernetes/manifests/etcd.yaml ] || exit 0
      echo '[upgrade/staticpods] Preparing for "etcd" upgrade'; set_to etcd 3.6.6-0
      echo '[upgrade/staticpods] Preparing for "kube-apiserver" upgrade'
      case $(cat $S/kubeadm-does) in
        revert) echo 'error execution phase control-plane: timed out waiting; kubeadm has tried to recover everything'; exit 1 ;;
        die) set_to kube-apiserver v$v; echo 'error: killed'; exit 1 ;;
      esac
      for c in kube-apiserver kube-controller-manager kube-scheduler; do set_to $c v$v; done
      echo '[upgrade] SUCCESS!' ;;
  esac`,
};

export interface StepEnd {
  readonly status: number | null;
  readonly message: Readonly<Record<string, unknown>>;
  readonly output: string;
  /** Phases in the order in which they were told. */
  readonly phases: readonly string[];
}

/** A host in a folder, on which the real step of the node image runs with played programs. */
export class PlayedHost {
  readonly root = mkdtempSync(join(tmpdir(), 'wg-host-'));

  constructor(of: { readonly controlPlane: boolean; readonly version: string }) {
    for (const [name, text] of Object.entries(PROGRAMS)) this.program(name, text);
    const build = `${of.version}-1.1`;
    for (const name of ['kubeadm', 'kubelet', 'kubectl']) this.state(`installed-${name}`, build);
    this.state('running', of.version);
    this.state('free-mib', '90000');
    this.state('repository', `1.35.9-1.1 1.35.4-1.1 ${build}`);
    this.state('kubeadm-does', 'succeed');
    this.state('plan-says', '');
    this.state('plan-exit', '0');
    this.state(
      'images',
      'registry.k8s.io/kube-apiserver:v9\nregistry.k8s.io/kube-proxy:v9\nregistry.k8s.io/coredns/coredns:v9\nregistry.k8s.io/pause:9',
    );
    this.state(
      'cluster-configuration',
      'kubernetesVersion: v1.34.4\napiServer:\n  extraArgs:\n  - name: bogus\n    value: "yes"\n',
    );
    this.file('etc/kubernetes/kubelet.conf', '');
    this.file('var/lib/kubelet/config.yaml', 'old: true\n');
    this.file('etc/apt/sources.list.d/kubernetes.list', 'deb [trusted=yes] file:/kt/apt/v1.34/deb ./\n');
    mkdirSync(join(this.root, 'var/cache/apt/archives'), { recursive: true });
    mkdirSync(join(this.root, 'proc/4242'), { recursive: true });
    this.program('../proc/4242/exe', 'exec running-kubelet');
    if (of.controlPlane) this.beControlPlane(of.version);
  }

  state(name: string, text: string): void {
    this.file(`state/${name}`, `${text}\n`);
  }

  forget(name: string): void {
    this.drop(`state/${name}`);
  }

  drop(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
  }

  file(path: string, text: string): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }

  read(path: string): string {
    const full = join(this.root, path);
    return existsSync(full) ? readFileSync(full, 'utf8').trim() : '';
  }

  run(verb: string, words: Readonly<Record<string, string>> = {}): StepEnd {
    const bin = join(this.root, 'bin');
    const termination = join(this.root, 'termination');
    rmSync(termination, { force: true });
    const env = {
      ...{ S: join(this.root, 'state'), R: this.root, WG_PATH: `${bin}:/usr/bin:/bin`, WG_ROOT: this.root },
      ...{ WG_IMAGE: IMAGE, WG_TERMINATION: termination, WG_GOOD_LOOKS: '2', WG_LOCK_WAIT: '3' },
      ...{ WG_STEP: verb, WG_FROM: '1.34.4', WG_TARGET: '1.35.4', WG_FIRST: 'true', ...words },
    };
    const ended = spawnSync('/bin/sh', ['-c', '. "$WG_IMAGE/step/step.sh"'], {
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    const output = `${ended.stdout}${ended.stderr}`;
    const text = this.read('termination');
    const lines = ended.stdout.split('\n').filter((line) => line.startsWith('{"phase"'));
    const phases = lines.map((line) => (JSON.parse(line) as { phase: string }).phase);
    return { status: ended.status, message: text ? (JSON.parse(text) as StepEnd['message']) : {}, output, phases };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  program(name: string, text: string): void {
    this.file(`bin/${name}`, `#!/bin/sh\n${text}\n`);
    chmodSync(join(this.root, 'bin', name), 0o755);
  }

  private beControlPlane(version: string): void {
    this.file('etc/kubernetes/admin.conf', '');
    for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) {
      this.file(
        `etc/kubernetes/manifests/${name}.yaml`,
        `  - --secure-port=6443\n    image: registry.k8s.io/${name}:v${version}\n`,
      );
    }
    this.file('etc/kubernetes/manifests/etcd.yaml', '    image: registry.k8s.io/etcd:3.6.5-0\n');
  }
}
