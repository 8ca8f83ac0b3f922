# shellcheck shell=sh
# Stacked etcd, asked on the host with the programs of the running member itself: no version of ours beside it.

has_etcd() { [ -f "$ROOT/etc/kubernetes/manifests/etcd.yaml" ]; }

# The root of the running etcd, through which its own etcdctl is found.
etcd_program() {
  for pid in $(pgrep -x etcd 2>/dev/null); do
    for folder in usr/local/bin usr/bin bin; do
      [ -x "$ROOT/proc/$pid/root/$folder/$1" ] && printf '%s' "$ROOT/proc/$pid/root/$folder/$1" && return 0
    done
  done
  command -v "$1"
}

ctl() {
  pki="$ROOT/etc/kubernetes/pki/etcd"
  program=$(etcd_program etcdctl)
  [ -n "$program" ] || return 127
  timeout 30 "$program" --endpoints "${ETCD_AT:-https://127.0.0.1:2379}" --cacert "$pki/ca.crt" \
    --cert "$pki/healthcheck-client.crt" --key "$pki/healthcheck-client.key" "$@" 2>/dev/null
}

# Lines "ID name client-url" of started voting members.
etcd_members() {
  ctl member list -w simple | awk -F', ' '$2 == "started" && $6 != "true" { print $1, $3, $5 }'
}

member_healthy() { ETCD_AT="$1" ctl endpoint health >/dev/null; }

# check_quorum: this member may leave: a majority of all members answers without it.
check_quorum() {
  has_etcd || return 0
  say quorum 22 "etcd's members"
  all=$(ctl member list -w simple | grep -c .)
  if [ "$all" -eq 0 ]; then
    [ -n "$(etcd_program etcdctl)" ] || { note 'no etcdctl on this host and none in the running etcd: quorum is judged from outside only'; return 0; }
    fail quorum_at_risk "etcd on this host does not say who its members are: it must be healthy before it is restarted"
  fi
  [ "$all" -gt 1 ] || return 0
  own=$(own_member)
  others=0
  for line in $(etcd_members | tr ' ' ','); do
    [ "${line%%,*}" = "$own" ] && continue
    member_healthy "${line##*,}" && others=$((others + 1))
  done
  [ "$others" -ge $((all / 2 + 1)) ] ||
    fail quorum_at_risk "etcd has $all members and only $others beside this one answer: with this one restarting it would lose its quorum ($((all / 2 + 1)) needed). Mend the silent member first: etcdctl endpoint health --cluster"
}

# check_alarms: with an alarm etcd refuses writes (NOSPACE) or has found its own data damaged (CORRUPT); kubeadm would fail
# half-way on either.
check_alarms() {
  has_etcd || return 0
  raised=$(ctl alarm list | sed -n 's/.*alarm:\([A-Z]*\).*/\1/p' | sort -u | tr '\n' ' ' | sed 's/ $//')
  [ -z "$raised" ] ||
    fail etcd_alarm "etcd has raised an alarm: $raised. Mend its cause first (NOSPACE: compact and defragment, or a larger quota; CORRUPT: replace the member), then etcdctl alarm disarm"
}

# check_leaders: how often a leader was elected in the last day, by the log of the member on this host: the API server
# tells nothing of it, a raft term alone has no time, and etcd's own counter begins anew with each start.
check_leaders() {
  has_etcd || return 0
  since=$(date -u -d "@$(($(date +%s) - 86400))" +%Y-%m-%dT%H:%M:%S 2>/dev/null) || return 0
  elected=$(cat "$ROOT"/var/log/pods/kube-system_etcd-*/etcd/*.log 2>/dev/null | elections "$since")
  [ "${elected%% *}" -lt "$LEADERS_A_DAY" ] ||
    fail etcd_leaders "etcd elected a leader ${elected%% *} times in the last 24 hours, last at ${elected#* }: while there is none it takes no writes, and a step that restarts members makes more elections. Look at the disk (fsync) and at the network between the members"
}

# A rolling restart of three members makes three or four.
LEADERS_A_DAY=6

# elections SINCE: "COUNT TIME (raft term N)" of the terms that began after it. Both runtimes' logs: CRI has the line as it
# is, json-file has it quoted.
elections() {
  awk -v since="$1" 'match($0, /(elected|changed) leader .*at term [0-9]+/) {
    term = substr($0, RSTART, RLENGTH); sub(/.* /, "", term)
    if (!match($0, /"ts[\\]*":[\\]*"[0-9T:.-]+/)) next
    at = substr($0, RSTART, RLENGTH); sub(/.*"/, "", at)
    if (at < since || term in seen) next
    seen[term] = 1; count++
    if (at > last) { last = at; newest = term }
  } END { printf "%d %sZ (raft term %s)\n", count, substr(last, 1, 16), newest }'
}

# The member that answers on this host: the second field of its status is its id.
own_member() { ctl endpoint status -w simple | awk -F', ' 'NR == 1 { print $2 }'; }

is_leader() {
  ctl endpoint status -w fields | awk -F' : ' '/"MemberID"/ { m = $2 } /"Leader"/ { l = $2 } END { exit !(m != "" && m == l) }'
}

# A leader that restarts costs an election; one that hands over first costs nothing that a client sees.
give_up_leadership() {
  has_etcd || return 0
  is_leader || return 0
  own=$(own_member)
  for line in $(etcd_members | tr ' ' ','); do
    id=${line%%,*}
    [ "$id" = "$own" ] && continue
    member_healthy "${line##*,}" || continue
    say quorum 24 "etcd's leadership to move away from this host"
    ctl move-leader "$id" >/dev/null && note "etcd's leadership moved to $(printf '%s' "$line" | cut -d, -f2)" && return 0
  done
  return 0
}

# await_etcd: this member answers again and is in the quorum, for ten looks in a row.
await_etcd() {
  has_etcd || return 0
  [ -n "$(etcd_program etcdctl)" ] || return 0
  say settle 96 'etcd on this host to be healthy'
  left=$(limit_of manifests)
  good=0
  while [ "$good" -lt "${WG_GOOD_LOOKS:-10}" ]; do
    if member_healthy https://127.0.0.1:2379; then good=$((good + 1)); else good=0; fi
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail half_done "etcd on this host does not become healthy after the upgrade" "$(standing_fields)"
    sleep 1
  done
}
