#!/bin/sh
# Builds the image of node Jobs without a registry and without an engine, from this machine's own nsenter:
#
#   deploy/images/node/build.sh OUT.tar [NAME:TAG]     a docker archive: docker load, or ctr -n k8s.io images import
#   deploy/images/node/build.sh --rootfs FOLDER [STEP] only its files (the Dockerfile uses this)
#
# The same files give the same bytes: names sorted, times and owners fixed. Where docker and a registry are at hand, the
# Dockerfile beside this file builds the same for every platform.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# rootfs FOLDER STEP
rootfs() {
  mkdir -p "$1/step" "$1/host"
  program=$(command -v nsenter)
  cp -L "$program" "$1/nsenter"
  # "libc.so.6 => /lib/… (0x…)" and the loader itself, each at the path by which it is asked for.
  ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | while IFS= read -r library; do
    mkdir -p "$1$(dirname "$library")"
    cp -L "$library" "$1$library"
  done
  cp "$2"/*.sh "$1/step/"
  find "$1" -type d -exec chmod 755 {} +
  find "$1" -type f -exec chmod 755 {} +
  chmod 644 "$1"/step/*.sh
}

packed() { tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -C "$1" -cf "$2" .; }

if [ "${1:-}" = --rootfs ]; then
  rootfs "$2" "${3:-$here/step}"
  exit 0
fi
out=${1:?usage: build.sh OUT.tar [NAME:TAG]}
name=${2:-registry.example/wavegate/node:0.1.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rootfs "$work/rootfs" "$here/step"
mkdir -p "$work/image/layer"
packed "$work/rootfs" "$work/image/layer/layer.tar"
layer=$(sha256sum "$work/image/layer/layer.tar" | cut -d' ' -f1)
case $(uname -m) in x86_64) platform=amd64 ;; aarch64) platform=arm64 ;; *) platform=$(uname -m) ;; esac
# The entry point is said once, in the Dockerfile.
entry=$(sed -n 's/^ENTRYPOINT //p' "$here/Dockerfile")
cat >"$work/image/config.json" <<EOC
{"architecture":"$platform","os":"linux","config":{"Env":["PATH=/"],"Entrypoint":$entry,"Labels":{"org.opencontainers.image.title":"wavegate-node"}},"created":"1970-01-01T00:00:00Z","rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"deploy/images/node/build.sh"}]}
EOC
config=$(sha256sum "$work/image/config.json" | cut -d' ' -f1)
mv "$work/image/config.json" "$work/image/$config.json"
printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["layer/layer.tar"]}]' "$config" "$name" >"$work/image/manifest.json"
packed "$work/image" "$out"
printf '%s  %s  sha256:%s\n' "$out" "$name" "$config"
