# What up.sh and down.sh share: where this cluster keeps its things, and how to look after a daemon.
# shellcheck shell=bash disable=SC2034

NAME=$(basename "$0" .sh)
CONF=/etc/slurm                       # where Debian's Slurm looks
OURS=/var/lib/slurm-of-the-tests      # its presence says that the Slurm here is ours; what is noted in it gets undone
LOG=/var/log/slurm
SPOOL=/var/spool/slurm
RUN=/run/slurm

say() { echo "slurm $NAME: $*"; }
fail() { echo "error: slurm $NAME: $*" >&2; exit 1; }

check_machine() {
  [ "$(id -u)" = 0 ] || fail "needs root"
  command -v apt-get >/dev/null || fail "needs a Debian (no apt-get here)"
  [ ! -d /run/systemd/system ] || fail "systemd runs here: this is for containers and bare test machines"
  if [ ! -d $OURS ] && { command -v sbatch >/dev/null || [ -e $CONF/slurm.conf ]; }; then
    fail "a Slurm is already here and it is not ours; nothing was changed"
  fi
}

within() { # SECONDS COMMAND…: repeat the command until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}

pid_of() { # DAEMON: its process id, if it runs
  local file
  case $1 in
    munged) file=/run/munge/munged.pid ;;
    mariadbd) file=/run/mysqld/mysqld.pid ;;
    *) file=$RUN/$1.pid ;;
  esac
  local pid
  pid=$(cat "$file" 2>/dev/null) || return 1
  # An old file may name a process of another kind by now.
  alive "$pid" && [ "$(cat "/proc/$pid/comm")" = "$1" ] && echo "$pid"
}

# A process that ended but was not yet buried by its parent has a name and takes signals, but no program.
alive() { readlink "/proc/$1/exe" >/dev/null 2>&1; }
gone() { ! alive "$1"; }

stop() { # DAEMON
  local pid
  pid=$(pid_of "$1") || return 0
  kill "$pid"
  within 20 gone "$pid" || kill -9 "$pid"
}
