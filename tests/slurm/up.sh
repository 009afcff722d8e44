#!/usr/bin/env bash
# A real Slurm of one node on a Debian machine without systemd, for tests: munge, slurmctld, slurmd, GPUs to be counted.
#
#     tests/slurm/up.sh                          installs what is missing, starts what does not run
#     CPUS=8 GPUS=2 ACCOUNTING=1 tests/slurm/up.sh
#
# GPUs are counted, not driven: a job that asks for one waits for its turn, whether the machine has any or not.
# ACCOUNTING=1 adds slurmdbd on MariaDB, and with them a working sacct. Exit status 75: packages could not be fetched.
set -euo pipefail
# shellcheck source=tests/slurm/cluster.sh
. "$(dirname "$0")/cluster.sh"

CPUS=${CPUS:-4}
GPUS=${GPUS:-4} # at most as many as there are stand-ins
ACCOUNTING=${ACCOUNTING:-0}
HOST=$(hostname -s)
# Slurm counts GPUs by device files, which must be different ones; every container has these.
GPU_STAND_INS=(/dev/null /dev/zero /dev/full /dev/random /dev/urandom)
PACKAGES=(munge slurmctld slurmd slurm-client slurm-wlm-basic-plugins)
[ "$ACCOUNTING" = 0 ] || PACKAGES+=(slurmdbd slurm-wlm-mysql-plugin mariadb-server)

installed() { dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p' | sort; }
missing() { comm -13 <(installed) <(printf '%s\n' "${PACKAGES[@]}" | sort); }
users() { cut -d: -f1 /etc/passwd | sort; }

note_new() { # FILE COMMAND BEFORE: add to our notes what COMMAND lists now and did not BEFORE
  comm -13 <(echo "$3") <("$2") >>"$OURS/$1"
}

install_packages() {
  [ -n "$(missing)" ] || return 0
  say "installing ${PACKAGES[*]}"
  local packages_before users_before
  packages_before=$(installed)
  users_before=$(users)
  mkdir -p $OURS
  with_no_daemon_started apt_install
  note_new packages installed "$packages_before"
  note_new users users "$users_before"
}

with_no_daemon_started() { # COMMAND: run it while the packages' own start scripts are forbidden
  local policy=/usr/sbin/policy-rc.d
  if [ -e $policy ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  "$@"
  rm -f $policy
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  local get=(apt-get install -y -q --no-install-recommends "${PACKAGES[@]}") said=$OURS/apt.log
  "${get[@]}" >"$said" 2>&1 && return
  apt-get update >>"$said" 2>&1 || true # the lists may be missing or old
  "${get[@]}" --download-only >>"$said" 2>&1 || give_up_offline "$(grep '^E:' "$said" | tail -n 1)"
  "${get[@]}" >>"$said" 2>&1 || fail "apt-get: $(grep '^E:' "$said" | tail -n 1) ($said)"
}

give_up_offline() {
  [ -s $OURS/packages ] || rm -r $OURS
  echo "error: slurm up: the packages could not be fetched: $1" >&2
  exit 75
}

accounting_settings() {
  [ "$ACCOUNTING" != 0 ] || { echo "AccountingStorageType=accounting_storage/none"; return; }
  echo "AccountingStorageType=accounting_storage/slurmdbd"
  echo "AccountingStorageHost=127.0.0.1"
  echo "AccountingStorageTRES=gres/gpu"
}

slurm_conf() {
  cat <<CONF
# Written by tests/slurm/up.sh.
ClusterName=tests
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=slurm
AuthType=auth/munge
# A job is its process group: cgroups are seldom usable in a container. So memory is planned, not enforced. (By
# proctrack/linuxproc, what outlives the job's shell is no longer found, and a Snakemake told to end may hang.)
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
MailProg=/bin/true
# The node claims more than the machine may have; jobs share its cores.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
$(accounting_settings)
# Tests wait for every one of these.
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
KillWait=2
# Finished jobs stay to be asked about.
MinJobAge=7200
ReturnToService=2
SlurmctldPidFile=$RUN/slurmctld.pid
SlurmdPidFile=$RUN/slurmd.pid
SlurmctldLogFile=$LOG/slurmctld.log
SlurmdLogFile=$LOG/slurmd.log
StateSaveLocation=$SPOOL/ctld
SlurmdSpoolDir=$SPOOL/d
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=1000000 Gres=gpu:$GPUS
PartitionName=cpu Nodes=$HOST Default=YES MaxTime=INFINITE
PartitionName=gpu Nodes=$HOST MaxTime=INFINITE
CONF
}

gres_conf() {
  echo "# Written by tests/slurm/up.sh."
  echo "AutoDetect=off"
  printf 'Name=gpu File=%s\n' "${GPU_STAND_INS[@]:0:$GPUS}"
}

slurmdbd_conf() {
  cat <<CONF
# Written by tests/slurm/up.sh.
DbdHost=localhost
AuthType=auth/munge
SlurmUser=slurm
PidFile=$RUN/slurmdbd.pid
LogFile=$LOG/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=tests
StorageLoc=slurm_tests
CONF
}

configure() {
  mkdir -p $CONF $LOG $SPOOL/ctld $SPOOL/d $RUN
  chown slurm: $LOG $SPOOL/ctld $RUN
  if ! getent hosts "$HOST" >/dev/null; then
    echo "127.0.0.1 $HOST # slurm of the tests" >>/etc/hosts
  fi
  local before
  before=$(cat $CONF/slurm.conf $CONF/gres.conf 2>/dev/null || true)
  slurm_conf >$CONF/slurm.conf
  gres_conf >$CONF/gres.conf
  if [ "$ACCOUNTING" != 0 ]; then
    install -o slurm -m 600 /dev/null $CONF/slurmdbd.conf
    slurmdbd_conf >$CONF/slurmdbd.conf
  fi
  if [ "$before" != "$(cat $CONF/slurm.conf $CONF/gres.conf)" ]; then
    stop slurmd
    stop slurmctld
  fi
}

start() { # DAEMON COMMAND…: start it unless it runs; wait until it has its process id written
  local daemon=$1
  shift
  pid_of "$daemon" >/dev/null && return
  if ! "$@" >"$LOG/$daemon.start" 2>&1 || ! within 10 pid_of "$daemon"; then
    fail "$daemon does not start: $(why "$daemon")"
  fi
}

why() { # DAEMON: the most telling of its last words
  cat "$LOG/$1.start" "$LOG/$1.log" 2>/dev/null | grep fatal | tail -n 1 || true
}

ready() { # DAEMON SECONDS COMMAND…: wait until the command succeeds, which it does when the daemon does its work
  local daemon=$1 seconds=$2
  shift 2
  within "$seconds" "$@" || fail "$daemon is not ready after $seconds s: $(why "$daemon") ($LOG)"
}

credentials_work() { munge -n | unmunge; }
controller_answers() { scontrol ping | grep -q "is UP"; }
node_takes_jobs() {
  # A node that was taken down by hand stays down until it is told otherwise.
  sinfo -h -N -o %t | grep -q '^down' && scontrol update nodename="$HOST" state=resume
  sinfo -h -N -o %t | grep -qE '^(idle|mix|alloc)$'
}

start_munge() {
  [ -s /etc/munge/munge.key ] || mungekey --create --keyfile /etc/munge/munge.key
  chown munge: /etc/munge/munge.key
  install -d -o munge -g munge -m 755 /run/munge
  start munged runuser -u munge -- munged
  ready munged 10 credentials_work
}

start_database() {
  install -d -o mysql -g mysql /run/mysqld
  if ! pid_of mariadbd >/dev/null; then
    setsid mariadbd --user=mysql --skip-networking --pid-file=/run/mysqld/mysqld.pid \
      --innodb-buffer-pool-size=128M --innodb-lock-wait-timeout=900 >>$LOG/mariadbd.log 2>&1 </dev/null &
  fi
  ready mariadbd 30 mysqladmin ping
  mysql -e "CREATE DATABASE IF NOT EXISTS slurm_tests;
            GRANT ALL ON slurm_tests.* TO slurm@localhost IDENTIFIED BY 'tests';"
  start slurmdbd runuser -u slurm -- slurmdbd
  ready slurmdbd 30 sacctmgr -n show cluster
}

check_machine
install_packages
configure
start_munge
[ "$ACCOUNTING" = 0 ] || start_database
start slurmctld runuser -u slurm -- slurmctld -c # forget the jobs of an earlier life
ready slurmctld 20 controller_answers
start slurmd slurmd -N "$HOST"
ready slurmd 30 node_takes_jobs
say "$(scontrol --version) is up: node $HOST, $CPUS CPUs, $GPUS GPUs, accounting $([ "$ACCOUNTING" = 0 ] && echo off || echo on)"
