# Sourced by the programs' shims in apps/*/bin with $root set: puts a Node >= 24.11 into $node, or says what is missing.
# The checkout's own Node first, so that a program runs on what it was tested with.
node="$root/.tools/node_modules/.bin/node"
if [ ! -x "$node" ]; then
  node=$(command -v node || true)
  right=0
  if [ -n "$node" ]; then
    right=$("$node" -p '(([a, b]) => (a > 24 || (a === 24 && b >= 11) ? 1 : 0))(process.versions.node.split(".").map(Number))' 2>/dev/null || echo 0)
  fi
  if [ "$right" != 1 ]; then
    echo "$(basename "$0"): needs Node >= 24.11 and found ${node:+only $("$node" -v 2>/dev/null) at }${node:-none}; run \`make build\` in $root, or install it" >&2
    exit 1
  fi
fi
if [ ! -f "$entry" ]; then
  echo "$(basename "$0"): not built yet: $entry is missing; run \`make build\` in $root" >&2
  exit 1
fi
