# Sourced by ./test: servers of its own, the test projects two at a time, one count over all.

passed=0
failed=0
declare -A running=() # pid -> project

test_projects() {
  local file
  for file in "$root"/tests/*.Tests/*.csproj; do
    [ ! -e "$file" ] || basename "$file" .csproj
  done
}

# Every project gets a virtual host of its own on the broker.
start_servers() {
  local hosts
  servers=$work/servers
  hosts=$(IFS=,; echo "$*")
  setpriv --pdeathsig TERM dotnet "$(program Local)" servers --dir "$servers" --out "$work/servers.json" \
    --vhost "$hosts" >"$work/servers.log" 2>&1 &
  servers_pid=$!
  until [ -e "$work/servers.json" ]; do
    kill -0 "$servers_pid" 2>/dev/null || fail "The servers did not start: $(cat "$work/servers.log")"
    sleep 0.1
  done
  ConnectionStrings__postgres=$(setting postgres)
  ConnectionStrings__redis=$(setting redis)
  rabbitmq=$(setting rabbitmq)
  Mail__Host=$(setting host)
  Mail__Port=$(setting port)
  Mail__Folder=$(setting folder)
  ROLLCALL_SERVERS=$servers # pids/ and logs/ of the servers, for tests that stop them
  export ConnectionStrings__postgres ConnectionStrings__redis Mail__Host Mail__Port Mail__Folder ROLLCALL_SERVERS
}

# Our own JSON: one key a line.
setting() {
  sed -nE "s/^ *\"$1\": \"?([^\"]*[^\",])\"?,?$/\1/p" "$work/servers.json"
}

stop_servers() {
  local pid
  for pid in "${!running[@]}" ${servers_pid:-}; do
    kill "$pid" 2>/dev/null || true
  done
  for pid in "${!running[@]}" ${servers_pid:-}; do
    wait "$pid" 2>/dev/null || true
  done
}

# start_tests PROJECT [FILTER…]: in the background; running[pid] remembers it.
start_tests() {
  local project=$1 words=() word
  for word in "${@:2}"; do
    words+=(-method "*$word*")
  done
  [ -z "${ROLLCALL_LONG:-}" ] || words+=(-explicit on)
  rm -f "$work/$project.xml"
  ConnectionStrings__rabbitmq=$rabbitmq/$project setpriv --pdeathsig TERM \
    timeout --kill-after=10 "$((${ROLLCALL_LONG:+3} + 1))200" \
    setpriv --pdeathsig KILL dotnet "$(program "$project")" -noLogo -noColor -failSkips \
    -result-xml "$work/$project.xml" "${words[@]}" </dev/null >"$work/$project.log" 2>&1 &
  running[$!]=$project
}

# Waits for one project and adds its count to the totals.
finish_one() {
  local pid project code=0 ok bad
  wait -n -p pid "${!running[@]}" || code=$?
  project=${running[$pid]}
  unset "running[$pid]"
  read -r ok bad < <(count "$work/$project.xml")

  # No result, or an end the result knows nothing of (a crash): one failure more.
  [ "$code" = 0 ] || [ "$bad" -gt 0 ] || bad=1
  passed=$((passed + ok))
  failed=$((failed + bad))
  if [ "$bad" -gt 0 ]; then
    cat "$work/$project.log"
    [ "$code" != 124 ] || echo "$project took too long and was stopped"
  fi
  echo "$project: $ok passed, $bad failed"
}

# Passed and failed (errors and skipped tests are failures) of a result file.
count() {
  [ -e "$1" ] || { echo 0 0; return; }
  grep -oE '<assembly [^>]*>' "$1" | awk '
    function value(name) { return match($0, " " name "=\"[0-9]+\"") ? substr($0, RSTART + length(name) + 3) + 0 : 0 }
    { ok += value("passed"); bad += value("failed") + value("errors") + value("skipped") }
    END { print ok + 0, bad + 0 }'
}

run_projects() {
  local project
  for project in "${projects[@]}"; do
    # The whole platform needs the machine for itself.
    [ "$project" != EndToEnd.Tests ] || continue
    [ "${#running[@]}" -lt 2 ] || finish_one
    start_tests "$project" "${filters[@]}"
  done
  while [ "${#running[@]}" -gt 0 ]; do
    finish_one
  done
  case " ${projects[*]} " in
    *" EndToEnd.Tests "*)
      start_tests EndToEnd.Tests "${filters[@]}"
      finish_one
      ;;
  esac
  finish_all "No test ran."
}

finish_all() {
  [ "$((passed + failed))" -gt 0 ] || { echo "$1" >&2; failed=1; }
  stop_servers
  running=() servers_pid=
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

# Each patch in tests/mutants takes one guard away and names the tests that must notice:
#   # tests: Project Filter
run_mutants() {
  local patch copy=$work/copy
  mkdir "$copy"
  (cd "$root" && git ls-files -z --cached --others --exclude-standard | tar -c --null -T - --ignore-failed-read) |
    tar -x -C "$copy"
  export ArtifactsPath=$work/artifacts
  for patch in "$root"/tests/mutants/*.patch; do
    [ -e "$patch" ] || continue
    if (cd "$copy" && patch -p1 --silent --forward <"$patch"); then
      judge_mutant "$patch" "$copy"
      (cd "$copy" && patch -p1 --silent --reverse <"$patch")
    else
      verdict "$patch" 1 "does not apply"
    fi
  done
  finish_all "There is no patch in tests/mutants."
}

judge_mutant() {
  local name filter ok bad code=0 target
  read -r _ _ name filter < <(grep -m 1 -E '^# tests: ' "$1" || true) || true
  name=${name%.Tests}.Tests
  [ -d "$2/tests/$name" ] || { verdict "$1" 1 "names no tests (# tests: Project Filter)"; return; }
  target=$2/tests/$name
  [ "$name" != EndToEnd.Tests ] || target=$2/Platform.sln
  if ! dotnet build "$target" -c Release -v quiet --disable-build-servers -p:RunAnalyzers=false </dev/null >"$work/build.log" 2>&1; then
    cat "$work/build.log"
    verdict "$1" 1 "does not build"
    return
  fi

  # shellcheck disable=SC2086 # several words are several filters
  start_tests "$name" $filter
  wait "${!running[@]}" || code=$?
  running=()
  read -r ok bad < <(count "$work/$name.xml")
  if [ "$bad" -gt 0 ]; then
    verdict "$1" 0 "is noticed by $name $filter ($bad failed)"
  else
    verdict "$1" 1 "is not noticed by $name $filter ($ok passed, exit code $code)"
  fi
}

verdict() {
  echo "$(basename "$1" .patch) $3"
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
