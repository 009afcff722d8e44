#!/usr/bin/env bash
# Stop the Slurm that up.sh started, with all its jobs.
#
#     tests/slurm/down.sh                stop; up.sh starts it again
#     tests/slurm/down.sh --uninstall    stop, and remove the packages that up.sh installed, with all they kept
#
# Uninstall when done: while Slurm's commands are there and no controller answers, each call of Snakemake takes 10 s more.
set -euo pipefail
# shellcheck source=tests/slurm/cluster.sh
. "$(dirname "$0")/cluster.sh"

no_job_left() { [ -z "$(job_processes)" ]; }

job_processes() { # process ids of Slurm's shepherds of jobs, and of what carries the name of this cluster
  pidof slurmstepd | tr ' ' '\n' || true
  grep -lsz '^SLURM_CLUSTER_NAME=tests$' /proc/[0-9]*/environ | cut -d / -f 3 || true
}

end_jobs() {
  if pid_of slurmctld >/dev/null; then
    timeout 10 scancel --user=root || true
    within 15 no_job_left && return
  fi
  # A job outlives its daemons; nobody would end it later.
  local left
  left=$(job_processes)
  [ -z "$left" ] || xargs kill -9 <<<"$left" 2>/dev/null || true
}

uninstall() {
  export DEBIAN_FRONTEND=noninteractive
  local said
  said=$(mktemp)
  if [ -s $OURS/packages ]; then
    xargs apt-get purge -y -q <$OURS/packages >"$said" 2>&1 || fail "apt-get: $(grep '^E:' "$said" | tail -n 1) ($said)"
  fi
  remove_users
  sed -i '/# slurm of the tests$/d' /etc/hosts 2>/dev/null || true
  rm -rf "$said" $CONF $LOG $SPOOL $RUN /run/munge $OURS
}

remove_users() {
  [ -e $OURS/users ] || return 0
  local user
  while read -r user; do
    userdel "$user" 2>/dev/null || true
  done <$OURS/users
}

check_machine
if [ ! -d $OURS ]; then
  say "nothing to do: no Slurm of ours is here"
  exit
fi
end_jobs
for daemon in slurmd slurmctld slurmdbd mariadbd munged; do stop $daemon; done
say "stopped"
if [ "${1:-}" = --uninstall ]; then
  uninstall
  say "uninstalled"
fi
