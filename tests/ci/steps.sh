# Sourced by ./run: long steps with progress, and the count of what passed.
# shellcheck shell=bash disable=SC2154  # root is set by ./run

passed=0 failed=0 skipped=0
failed_steps=()
logs=$root/build/logs

# begin NAME COMMAND...: starts it beside the steps that follow, with what the machine has to spare;
# begin_equal: with its full share. `check NAME follow NAME`, or `must` or `tests`, ends it. A program,
# not a function.
declare -A begun=()
begin() { begin_at 19 "$@"; }
begin_equal() { begin_at 0 "$@"; }

begin_at() {
    local nice=$1 name=$2
    shift 2
    mkdir -p "$logs"
    printf '==> %s, beside what follows\n' "$name"
    rm -f "$logs/$name.status"
    setsid "$root/tests/ci/keep-status" "$logs/$name.status" "$nice" "$@" >"$logs/$name.begun" 2>&1 &
    begun[$name]=$!
    # With set -e, a kill that finds nobody left would become the exit status.
    trap 'for group in "${begun[@]}"; do kill -- "-$group" 2>/dev/null || true; done' EXIT
}

# follow NAME: output and status of what was begun; from now on it has its full share.
follow() {
    {  # it may have ended
        renice -n 0 -g "${begun[$1]}"
        echo 0 >"/proc/${begun[$1]}/autogroup"
    } >/dev/null 2>&1 || true
    tail --pid="${begun[$1]}" -s 0.1 -n +1 -f "$logs/$1.begun"
    return "$(cat "$logs/$1.status")"
}

# step NAME COMMAND...: runs it with output in build/logs/NAME.log; says what goes on while it takes
# long, how long it took, and shows the log when it failed. Sets step_status.
step() {
    local name=$1 started=$SECONDS pid
    shift
    mkdir -p "$logs"
    local log=$logs/$name.log
    printf '==> %s\n' "$name"
    "$@" >"$log" 2>&1 &
    pid=$!
    # A background command ignores the terminal's interrupt: pass it on.
    trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
    # tail --pid ends with the command; timeout wakes us up for a line of progress.
    until timeout 15 tail --pid="$pid" -s 0.1 -f /dev/null; do
        printf '    %s s: %s\n' "$((SECONDS - started))" "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-90)"
    done
    step_status=0
    wait "$pid" || step_status=$?
    if ((step_status != 0)); then
        tail -n 100 "$log"
        printf '    FAILED: %s, status %s, %s s; all of it: %s\n' "$name" "$step_status" \
            "$((SECONDS - started))" "$log"
        failed_steps+=("$name")
    else
        printf '    %s: %s s\n' "$name" "$((SECONDS - started))"
    fi
}

# must NAME COMMAND...: a step without which going on makes no sense.
must() {
    step "$@"
    ((step_status == 0)) || finish
}

# check NAME COMMAND...: a step that counts as one test.
check() {
    step "$@"
    if ((step_status == 0)); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# tests NAME COMMAND...: a step that runs tests: counts what doctest, pytest and TAP say in its log.
tests() {
    local name=$1 good bad left
    step "$@"
    read -r good bad left < <(awk '
        /^(.*: )?\[doctest\] test cases:/ {
            split($0, part, "|")
            good += part[2] + 0; bad += part[3] + 0; left += part[4] + 0
        }
        /^(ok|not ok) / { if ($1 == "ok") good++; else bad++ }
        /^=+ .* in [0-9.]+s.*=+$/ {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) good += $(i - 1)
                if ($i ~ /^(failed|errors?)/) bad += $(i - 1)
                if ($i ~ /^(skipped|xfailed|xpassed|deselected)/) left += $(i - 1)
            }
        }
        END { print good + 0, bad + 0, left + 0 }' "$logs/$name.log")
    # A crash, a deadline, or no test at all leaves no line of its own behind.
    if ((step_status != 0 && bad == 0)); then bad=1; fi
    if ((step_status == 0 && good + bad == 0)); then
        bad=1
        failed_steps+=("$name (ran no test)")
    fi
    printf '    %s passed, %s failed, %s skipped\n' "$good" "$bad" "$left"
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
}

# The last words: which steps failed, and the sum. A skipped test is a failure.
finish() {
    ((${#failed_steps[@]} == 0)) || printf 'failed: %s\n' "${failed_steps[@]}"
    if ((failed == 0 && ${#failed_steps[@]} > 0)); then failed=${#failed_steps[@]}; fi
    if ((skipped > 0)); then
        echo "$skipped tests did not run: that is a failure"
        failed=$((failed + skipped))
    fi
    printf 'in %s min %s s\n%s passed, %s failed\n' "$((SECONDS / 60))" "$((SECONDS % 60))" \
        "$passed" "$failed"
    exit $((failed > 0))
}
