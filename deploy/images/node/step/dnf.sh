# shellcheck shell=sh
# dnf: Fedora, Rocky, Alma, RHEL and kin. EXPERIMENTAL: written from the documentation, never run on such a host; preflight
# says so (package_manager_experimental). The same verbs as apt's, in the same order.

DNF_UPSTREAM='https://pkgs.k8s.io/core:/stable:/v{minor}/rpm/'

dnf_installed() { rpm -q --qf '%{VERSION}-%{RELEASE}\n' "$1" 2>/dev/null | grep -v 'not installed'; }
dnf_release() { rpm -q --qf '%{VERSION}\n' "$1" 2>/dev/null | grep -v 'not installed'; }

dnf_file() {
  # shellcheck disable=SC2012 -- names of packages
  ls -1 "$(fetched "$1")/${2}-$1-"*.rpm 2>/dev/null | sort | tail -n 1
}

dnf_extract() { mkdir -p "$2" && (cd "$2" && rpm2cpio "$1" | cpio -id --quiet); }

dnf_list() { grep -lE '^baseurl=.*/v1\.[0-9]+/' "$ROOT/etc/yum.repos.d/"*.repo 2>/dev/null | sort | head -n 1; }

# dnf_source MINOR: the address of the minor.
dnf_source() {
  case $WG_PACKAGES in
    node)
      [ -n "$(dnf_list)" ] || fail repository_unknown "no file of /etc/yum.repos.d names a repository of Kubernetes by its minor"
      sed -nE 's/^baseurl=//p' "$(dnf_list)" | head -n 1 | sed -E "s#/v1\.[0-9]+/#/v$1/#"
      ;;
    upstream) printf '%s' "$DNF_UPSTREAM" | sed "s/{minor}/$1/g" ;;
    mirror)
      [ -n "$WG_MIRROR" ] || fail repository_unknown "the plan says packages: mirror, but this agent was not told of one (--package-mirror URL)"
      printf '%s' "$WG_MIRROR" | sed "s/{minor}/$1/g"
      ;;
  esac
}

dnf_fetch() {
  version=$1
  shift
  source=$(dnf_source "$(minor_of "$version")") || exit 1
  for package in "$@"; do
    within packages dnf download --disablerepo='*' --repofrompath="wavegate,$source" --enablerepo=wavegate \
      --setopt=wavegate.gpgcheck=1 --destdir "$(fetched "$version")" "$package-$version" >"$RUN" 2>&1
    status=$?
    cat "$RUN" >>"$LOG"
    [ "$status" -ne 124 ] || too_long "fetching $package $version" packages ''
    [ "$status" -eq 0 ] && [ -n "$(dnf_file "$version" "$package")" ] ||
      fail package_missing "the repository $source gave no $package $version: $(why_of "$RUN")"
  done
}

dnf_keep() {
  within packages dnf download --disableexcludes=kubernetes --destdir "$(fetched "$1")" "$2-$1" >>"$LOG" 2>&1
  [ -n "$(dnf_file "$1" "$2")" ]
}

dnf_switch() {
  [ "$WG_PACKAGES" != offline ] || return 0
  list=$(dnf_list)
  [ -n "$list" ] || return 0
  sed -E "s#/v1\.[0-9]+/#/v$1/#g" "$list" >"$list.wavegate" && chmod 644 "$list.wavegate" && mv -f "$list.wavegate" "$list"
}

# The repository's exclude= is the hold of these hosts: it stays as it is.
dnf_hold() { return 0; }

dnf_install() {
  version=$1
  shift
  files=
  for package in "$@"; do files="$files $(dnf_file "$version" "$package")"; done
  verb=install
  [ "$(printf '%s\n%s\n' "$(dnf_release "$1")" "$version" | sort -V | head -n 1)" = "$version" ] && verb=downgrade
  # shellcheck disable=SC2086 -- a list of files without blanks
  within packages dnf -y "$verb" --disablerepo='*' $files >"$RUN" 2>&1
  status=$?
  cat "$RUN" >>"$LOG"
  # "downgrade" of what is there already is refused; installed is installed.
  [ "$(dnf_release "$1")" = "$version" ] && return 0
  return "$status"
}
