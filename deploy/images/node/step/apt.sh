# shellcheck shell=sh
# apt: Debian, Ubuntu and kin. The repository of Kubernetes has one address per minor.

APT_UPSTREAM='https://pkgs.k8s.io/core:/stable:/v{minor}/deb/'

apt_installed() { dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p'; }
# 1.34.4-1.1 → 1.34.4
apt_release() { apt_installed "$1" | sed -e 's/^[0-9]*://' -e 's/-[^-]*$//'; }

# The newest build of a release that lies in the store.
apt_file() {
  # shellcheck disable=SC2012 -- names of packages
  ls -1 "$(fetched "$1")/${2}_"*.deb 2>/dev/null | grep -E "/${2}_([0-9]+%3a)?$(printf '%s' "$1" | sed 's/\./\\./g')(-|_)" | sort | tail -n 1
}

apt_extract() { dpkg-deb -x "$1" "$2"; }

# Files of the host that name the repository of Kubernetes.
apt_lists() {
  grep -lE '^[^#]*(pkgs\.k8s\.io|core:/stable:|kubernetes).*/v1\.[0-9]+(/|$)|^URIs:.*/v1\.[0-9]+/' \
    "$ROOT/etc/apt/sources.list.d/"* 2>/dev/null | grep -E '\.(list|sources)$'
  grep -lE '/v1\.[0-9]+/deb' "$ROOT/etc/apt/sources.list.d/"*.list "$ROOT/etc/apt/sources.list" 2>/dev/null
}

# apt_source MINOR: what the host's list is to say, on standard output; its form (one line or deb822) is kept.
apt_source() {
  list=$(apt_lists | sort -u | head -n 1)
  case $WG_PACKAGES in
    node)
      [ -n "$list" ] ||
        fail repository_unknown "no file of /etc/apt/sources.list.d names a repository of Kubernetes by its minor (…/v$(minor_of "$WG_FROM")/deb/): add one, or let the plan say packages: upstream, mirror or offline"
      sed -E "/^[[:space:]]*#/!s#/v1\.[0-9]+(/|\$)#/v$1\1#g" "$list"
      ;;
    upstream) printf 'deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] %s /\n' "$(printf '%s' "$APT_UPSTREAM" | sed "s/{minor}/$1/g")" ;;
    mirror)
      [ -n "$WG_MIRROR" ] || fail repository_unknown "the plan says packages: mirror, but this agent was not told of one (--package-mirror URL)"
      options=$(apt_options "$list")
      printf 'deb %s%s ./\n' "$options" "$(printf '%s' "$WG_MIRROR" | sed "s/{minor}/$1/g")"
      ;;
  esac
}

# How the host trusts its present repository; a mirror is signed by the same key unless its list says otherwise.
apt_options() {
  found=$([ -z "$1" ] || sed -nE 's/^deb[[:space:]]+(\[[^]]*\]).*/\1 /p' "$1" | head -n 1)
  printf '%s' "${found:-[signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] }"
}

# apt_look MINOR: asks the target's repository without touching the host's own lists.
apt_look() {
  look="$STORE/apt/v$1"
  mkdir -p "$look/lists/partial" "$look/cache/archives/partial"
  list=$(apt_lists | sort -u | head -n 1)
  ending=list
  [ "$WG_PACKAGES" = node ] && case $list in *.sources) ending=sources ;; esac
  rm -f "$look"/kubernetes.*
  apt_source "$1" >"$look/kubernetes.$ending" || exit 1
  LOOK="-o Dir::Etc::sourcelist=$look/kubernetes.$ending -o Dir::Etc::sourceparts=- -o Dir::State::lists=$look/lists -o Dir::Cache=$look/cache -o APT::Sandbox::User=root"
  # shellcheck disable=SC2086 -- a list of options
  within packages apt-get update $LOOK >"$RUN" 2>&1
  status=$?
  cat "$RUN" >>"$LOG"
  [ "$status" -ne 124 ] || too_long "asking the repository of $1" packages ''
  if [ "$status" -ne 0 ] || grep -qE '^(E:|Err:)' "$RUN"; then
    fail repository_unreachable "the repository of $1 does not answer: $(why_of "$RUN")"
  fi
}

# apt_build VERSION PACKAGE: the newest build of a release that the repository has: 1.35.4-1.1
apt_build() {
  # shellcheck disable=SC2086 -- a list of options
  apt-cache $LOOK madison "$2" 2>/dev/null | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' |
    grep -E "^([0-9]+:)?$(printf '%s' "$1" | sed 's/\./\\./g')(-|\$)" | head -n 1
}

apt_fetch() {
  version=$1
  shift
  apt_look "$(minor_of "$version")"
  for package in "$@"; do
    build=$(apt_build "$version" "$package")
    if [ -z "$build" ]; then
      # shellcheck disable=SC2086 -- a list of options
      has=$(apt-cache $LOOK madison "$package" 2>/dev/null | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | head -n 5 | tr '\n' ' ')
      fail package_missing "the repository of $(minor_of "$version") has no $package $version; it has ${has:-none}. Name a version it has, or wait until your mirror has caught up"
    fi
    # shellcheck disable=SC2086 -- a list of options
    (cd "$(fetched "$version")" && within packages apt-get download $LOOK "$package=$build") >"$RUN" 2>&1
    status=$?
    cat "$RUN" >>"$LOG"
    [ "$status" -ne 124 ] || too_long "fetching $package $build" packages ''
    [ "$status" -eq 0 ] && [ -n "$(apt_file "$version" "$package")" ] ||
      fail package_missing "fetching $package $build failed: $(why_of "$RUN")"
  done
}

# The installed build: from apt's own cache, else from the repository that the host still has, else rebuilt.
apt_keep() {
  build=$(apt_installed "$2")
  into=$(fetched "$1")
  cached=$(find "$ROOT/var/cache/apt/archives" -maxdepth 1 -name "${2}_$(printf '%s' "$build" | sed 's/:/%3a/')_*.deb" 2>/dev/null | head -n 1)
  [ -n "$cached" ] && cp "$cached" "$into/" && return 0
  (cd "$into" && within packages apt-get download -o APT::Sandbox::User=root "$2=$build") >>"$LOG" 2>&1
  [ -n "$(apt_file "$1" "$2")" ] && return 0
  command -v dpkg-repack >/dev/null 2>&1 && (cd "$into" && dpkg-repack "$2") >>"$LOG" 2>&1
  [ -n "$(apt_file "$1" "$2")" ]
}

# The host's own list goes to the target's minor as well: what a person installs next must come from there.
apt_switch() {
  [ "$WG_PACKAGES" != offline ] || return 0
  list=$(apt_lists | sort -u | head -n 1)
  [ -n "$list" ] || list="$ROOT/etc/apt/sources.list.d/kubernetes.list"
  [ "$WG_PACKAGES" = node ] || list=$(printf '%s' "$list" | sed 's/\.sources$/.list/')
  apt_source "$1" >"$list.wavegate" || return 0
  if cmp -s "$list.wavegate" "$list"; then
    rm -f "$list.wavegate"
    return 0
  fi
  chmod 644 "$list.wavegate"
  mv -f "$list.wavegate" "$list"
  note "the repository in $list is that of $1 now"
  # What the packages need beside themselves (cri-tools, kubernetes-cni) is found there; without it apt says what is missing.
  within packages apt-get update -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- \
    -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root >>"$LOG" 2>&1 || note "the lists of $list could not be read anew"
}

apt_hold() {
  verb=$1
  shift
  apt-mark "$verb" "$@" >>"$LOG" 2>&1
}

# From the files in the store: what was checked is what is installed, and a way back needs no repository.
apt_install() {
  version=$1
  shift
  files=
  for package in "$@"; do files="$files $(apt_file "$version" "$package")"; done
  # A step that was killed in the middle of dpkg left it half configured.
  within packages dpkg --configure -a >>"$LOG" 2>&1
  # shellcheck disable=SC2086 -- a list of files without blanks
  within packages apt-get install -y --allow-downgrades --allow-change-held-packages --no-install-recommends \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 \
    -o APT::Sandbox::User=root $files >"$RUN" 2>&1
  status=$?
  cat "$RUN" >>"$LOG"
  return "$status"
}
