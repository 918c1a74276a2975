# shellcheck shell=bash
# Shared by deploy/up, deploy/down, tests/run and bench/run: steps with progress and time, packages, Node, the builds.
# Sourced with the project's root as $ROOT.

BUILD_LOGS=$ROOT/build/log
STEP_PID=

say() {
    printf '%s\n' "$*"
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# elapsed BEGAN: seconds since an $EPOCHREALTIME, with one decimal.
elapsed() {
    local tenths=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000))
    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# find_data DIR: its absolute path; the default one for none.
find_data() {
    local standard=/var/lib/environment-manager
    if [ -z "$1" ] && [ "$(id -u)" -ne 0 ]; then
        [ -n "${XDG_DATA_HOME:-${HOME:-}}" ] || die "there is no home folder to keep data in: say where with --data DIR"
        standard=${XDG_DATA_HOME:-$HOME/.local/share}/environment-manager
    fi
    realpath --canonicalize-missing --no-symlinks -- "${1:-$standard}"
}

# is_running: whether there is a supervisor on $DATA, who locks its pid file for as long as it lives: the pid in it may
# be stale, the lock is not.
is_running() {
    [ -e "$DATA/supervisor.pid" ] && ! flock --nonblock --shared "$DATA/supervisor.pid" true
}

# stop_step: ends what step() is running at the moment; for the traps of INT and TERM.
stop_step() {
    [ -z "$STEP_PID" ] || kill -TERM -- "-$STEP_PID" 2>/dev/null || true
}

# step TITLE COMMAND…: runs a command with its output in a log file, shows that it goes on, and how long it took.
# The status is the command's; after a failure the end of the log is shown.
step() {
    local title=$1 began=$EPOCHREALTIME shown=0 status=0 log seconds
    shift
    mkdir -p "$BUILD_LOGS"
    log=$BUILD_LOGS/$(printf '%s' "$title" | tr -cs 'a-zA-Z0-9' '-').log

    set -m # a process group of its own, so that stop_step reaches what the command starts
    ("$@") >"$log" 2>&1 </dev/null &
    STEP_PID=$!
    set +m
    while kill -0 "$STEP_PID" 2>/dev/null; do
        seconds=$(elapsed "$began")
        seconds=${seconds%.*}
        if [ -t 1 ]; then
            printf '\r\033[K  … %s  %ds  %.60s' "$title" "$seconds" "$(tail -n 1 "$log" | tr -cd '[:print:]')"
        elif [ $((seconds / 20)) -gt "$shown" ]; then
            shown=$((seconds / 20))
            say "  … $title, ${seconds} s"
        fi
        sleep 0.1
    done
    wait "$STEP_PID" || status=$?
    STEP_PID=

    [ ! -t 1 ] || printf '\r\033[K'
    if [ "$status" -eq 0 ]; then
        printf '  ok    %-46s %7s s\n' "$title" "$(elapsed "$began")"
    else
        printf '  FAIL  %-46s %7s s\n' "$title" "$(elapsed "$began")"
        tail -n "${STEP_LINES:-40}" "$log" | sed 's/^/        /'
        say "        (all of it: ${log#"$ROOT"/})"
    fi
    return "$status"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo: $*"
    fi
}

# need_packages FILE…: installs the Debian packages of these lists that are missing, without starting any server.
need_packages() {
    local missing=() package
    local -A installed=()
    while read -r package; do
        installed[$package]=1
    done < <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
    while read -r package; do
        [ -n "${installed[$package]:-}" ] || missing+=("$package")
    done < <(sed 's/#.*//; /^$/d' "$@" | sort -u)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

install_packages() {
    say "  missing packages: $*"
    [ "$(id -u)" -eq 0 ] || as_root true # asks for the password here, where it can be seen
    step "install $# packages" install_quietly "$@" ||
        die "apt-get could not install what is missing; see above"
}

# The servers in these packages are wanted as programs only: nothing starts, now or at the next boot, and PostgreSQL
# makes no cluster of its own.
install_quietly() {
    local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/environment-manager.conf
    local status=0 had_redis=0
    [ -e "$policy" ] && policy=
    command -v redis-server >/dev/null && had_redis=1
    [ -z "$policy" ] || printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
    printf 'create_main_cluster = false\n' | as_root install -D -m 644 /dev/stdin "$cluster"

    apt_install "$@" || { as_root apt-get update -q && apt_install "$@"; } || status=$?

    [ -z "$policy" ] || as_root rm -f "$policy"
    as_root rm -f "$cluster"
    if [ "$had_redis" -eq 0 ] && command -v systemctl >/dev/null; then
        as_root systemctl disable redis-server 2>/dev/null || true
    fi
    return "$status"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# new_enough NODE: true when that Node runs Next 16.
new_enough() {
    "$1" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 9) ? 0 : 1)' \
        2>/dev/null
}

# need_node: puts a Node that is new enough on PATH: the one that is there, else the pinned one of deploy/node.
need_node() {
    local own machine=x64
    [ "$(uname -m)" != aarch64 ] || machine=arm64
    own=$ROOT/build/node/node_modules/node-linux-$machine/bin
    if command -v npm >/dev/null && new_enough node; then
        return
    fi
    if ! new_enough "$own/node"; then
        command -v npm >/dev/null || install_packages nodejs npm
        mkdir -p "$ROOT/build/node"
        cp "$ROOT"/deploy/node/package*.json "$ROOT/build/node/"
        step "install Node" npm --prefix "$ROOT/build/node" ci --no-audit --no-fund ||
            die "npm could not install Node; see above"
        new_enough "$own/node" || die "the Node that npm installed does not run: $own/node"
    fi
    export PATH="$own:$PATH"
}

# digest_of FOLDER: a hash over the names and contents of a folder's sources.
digest_of() {
    (cd "$1" && find . \( -name node_modules -o -name .next -o -name out -o -name test-results -o -name shots \) -prune \
        -o -type f ! -name '*.tsbuildinfo' ! -name next-env.d.ts -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

# need_modules: the console's npm packages as its lock file names them.
need_modules() {
    local stamp=$ROOT/build/console-modules.sha256 wanted
    wanted=$(sha256sum <"$ROOT/console/package-lock.json")
    if [ ! -d "$ROOT/console/node_modules" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        step "install npm packages of the console" npm --prefix "$ROOT/console" ci --no-audit --no-fund || return
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

# need_console: builds console/out when any of its inputs changed.
need_console() {
    local stamp=$ROOT/build/console.sha256 wanted
    wanted=$(digest_of "$ROOT/console")
    if [ ! -d "$ROOT/console/out" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        need_node
        need_modules || return
        step "build the console" npm --prefix "$ROOT/console" run build || return
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

# need_build PRESET TARGET…: configures once, then builds these targets (all without any).
need_build() {
    local preset=$1
    shift
    if [ ! -f "$ROOT/build/$preset/build.ninja" ]; then
        step "configure $preset" cmake -S "$ROOT" --preset "$preset" || return
    fi
    step "build $preset" ninja -C "$ROOT/build/$preset" "$@"
}

# need_user: the system user that owns the data, when root starts the service.
need_user() {
    [ "$(id -u)" -eq 0 ] || return 0
    getent passwd environment-manager >/dev/null ||
        step "create the user environment-manager" useradd --system --user-group --no-create-home \
            --home-dir /nonexistent --shell /usr/sbin/nologin environment-manager
}
