#!/bin/sh
# tables.sh SOURCE: the documents and the code say the same, row by row. docs/protocol.md: what a
# client may send (section 3, event_rows in hub.c), and the reasons of refusals (section 4,
# reason.h). docs/operations.md: what is logged (log_events.h), and the options (options.c).
set -eu
source=$1
protocol=$source/docs/protocol.md
operations=$source/docs/operations.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

same() { # same WHAT DOCUMENTED WRITTEN
    [ -s "$2" ] && [ -s "$3" ] || { echo "$1: nothing found"; exit 1; }
    diff "$2" "$3" > "$work/difference" && return
    echo "$1: < is in the document, > is in the code"
    cat "$work/difference"
    exit 1
}

# Rows of the table that follows the line which contains $1, as "first|second|third"; $2: the document.
rows() {
    awk -v after="$1" -F ' *[|] *' '
        index($0, after) { near = 1; next }
        near && /^[|]/ { table = 1; if (++row > 2) print $2 "|" $3 "|" $4 }
        table && !/^[|]/ { exit }' "${2:-$protocol}" | tr -d '`'
}

rows 'This table is the whole of what a client may send' |
    sed -e 's/^phoenix|/PHOENIX|/' -e 's/^all|/ALL|/' -e 's/:HASH|/|/' \
        -e 's/^have|/HAVE|/' -e 's/^want|/WANT|/' |
    awk -F '|' '
        $1 == "any but phoenix" { for (i = split("ALL HAVE WANT", t, " "); i > 0; i--)
                                      print t[i] "|" $2; next }
        { print $1 "|" $2 }' | sort > "$work/documented"
sed -n '/event_rows\[\] = {/,/^};/p' "$source/src/core/hub.c" |
    sed -n 's/^ *{TOPIC_\([A-Z]*\), "\([^"]*\)".*/\1|\2/p' | sort > "$work/written"
same 'what a client may send' "$work/documented" "$work/written"

rows '## 4. Refusals' | cut -d '|' -f 1 | sort > "$work/documented"
sed -n 's/^ *X([A-Z0-9_]*, "\([a-z0-9_]*\)", "[^"]*").*/\1/p' "$source/include/whilst/reason.h" |
    grep -vx restart | sort > "$work/written"
same 'reasons' "$work/documented" "$work/written"
grep -q '`restart`' "$protocol" || { echo 'reasons: restart is not documented'; exit 1; }

rows '### Events' "$operations" | sort > "$work/documented"
sed -n 's/^ *X([A-Z_]*, "\([a-z_]*\)", \([A-Z]*\), "\(.*\)").*/\1|\2|\3/p' \
    "$source/src/net/log_events.h" |
    awk -F '|' '{ print $1 "|" tolower($2) "|" $3 }' | tr -d '`' | sort > "$work/written"
same 'what is logged' "$work/documented" "$work/written"
