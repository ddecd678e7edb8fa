#!/bin/sh
# headers.sh COMPILER SOURCE: each public header compiles alone, with the C library only.
set -eu
compiler=$1
source=$2
count=0
for header in "$source"/include/whilst/*.h; do
    name=whilst/$(basename "$header")
    printf '#include "%s"\n#include "%s"\nint nothing;\n' "$name" "$name" |
        "$compiler" -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
            -I "$source/include" -x c - || { echo "$name does not compile alone"; exit 1; }
    count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "no header in $source/include/whilst"; exit 1; }
