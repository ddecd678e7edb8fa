#!/bin/sh
# layers.sh ARCHIVE: the core does arithmetic on memory. Fails on any symbol that it needs from
# outside but for the C library's memory and strings, libcrypto's hash and signature and jansson's reader:
# no socket, clock, file, log, thread or event loop can slip in.
set -eu
archive=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -u "$archive" | awk '$1 == "U" { print $2 }' | sort -u > "$work/needed"
nm --defined-only "$archive" | awk 'NF == 3 { print $3 }' | sort -u > "$work/own"
comm -23 "$work/needed" "$work/own" > "$work/outside"
[ -s "$work/outside" ] || { echo "nothing is needed: is $archive the core?"; exit 1; }

# What the core may use; then what compilers add for hardening, sanitizers and coverage.
grep -vxE \
    -e 'abort|calloc|free|malloc|malloc_usable_size|realloc|__assert_fail' \
    -e 'bcmp|mem(chr|cmp|cpy|move|set)|strlen|strcmp|snprintf|vsnprintf|bsearch|qsort' \
    -e 'EVP_(Digest|DigestInit_ex|DigestUpdate|DigestFinal_ex|MD_CTX_new|MD_CTX_free|MD_fetch|EncodeBlock|sha1)' \
    -e 'EVP_(DigestSign|DigestSignInit|PKEY_new_raw_private_key|PKEY_get_raw_public_key|PKEY_free)' \
    -e 'json_(delete|loadb|object_get|string_length|string_value)' \
    -e '__(mem|str|snprintf|vsnprintf)[a-z]*_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_' \
    -e '__(asan|ubsan|sanitizer|gcov|llvm)_.*|__start___sancov.*|__stop___sancov.*' \
    "$work/outside" > "$work/foreign" || true
if [ -s "$work/foreign" ]; then
    echo "the core must not need:"
    cat "$work/foreign"
    exit 1
fi
