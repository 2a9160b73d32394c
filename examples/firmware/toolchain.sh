# shellcheck shell=bash
# Finds a compiler for another system than this one, a microcontroller for most, and runs what it
# builds; sourced by the scripts here.

# The exit code where something is missing or does not build.
readonly not_ready=4

# Ends the script: exit code, then lines of what to do about it.
fail() {
    local code=$1
    shift
    printf "${0##*/}: %s\n" "$@" >&2
    exit "$code"
}

# Sets up the environment and `cargo_flags` for a target triple: a compiler that has it installed
# (rustup), or else one that has the source of `core`, or of what else of the standard library is
# named, which is then built along (Debian's).
choose_compiler() {
    local triple=$1 library=${2:-core} installed candidate source=lib/rustlib/src/rust/library/Cargo.lock
    cargo_flags=(--release --quiet)
    command -v cargo >/dev/null || fail $not_ready \
        "no cargo: install Rust by rustup, or on Debian:" \
        "  apt install cargo-web rustc-web rust-web-src lld"
    installed=$(command -v rustc || true)
    if [[ -n $installed && -d $(sysroot "$installed")/lib/rustlib/$triple ]]; then
        export RUSTC=$installed
        return
    fi
    for candidate in /usr/bin/rustc "$installed"; do
        if [[ -x $candidate && -e $(sysroot "$candidate")/$source ]]; then
            command -v ld.lld >/dev/null || fail $not_ready "no linker ld.lld: apt install lld"
            # Building it counts as unstable; it is the compiler's own source, built by itself.
            export RUSTC=$candidate RUSTC_BOOTSTRAP=1
            cargo_flags+=(-Z "build-std=$library" --config "target.$triple.linker=\"ld.lld\"")
            return
        fi
    done
    fail $not_ready "no compiler for $triple. Either:" "  rustup target add $triple" \
        "or, on Debian:" "  apt install rustc-web rust-web-src cargo-web lld"
}

sysroot() {
    "$1" --print sysroot
}

# Builds the workspace in a directory. From there: that is where cargo looks for the target in
# `.cargo/config.toml`.
build_release() {
    (cd "$1" && cargo build "${cargo_flags[@]}" --target-dir "$1/target") >&2 ||
        fail $not_ready "the firmware does not build"
}

# Runs one of the programs that measure on the emulator, whose instructions take 2^7 ns.
run_probe() {
    timeout 60 qemu-system-arm -M mps2-an385 -display none -serial none -monitor none \
        -icount shift=7,sleep=off -semihosting-config enable=on,target=native \
        -kernel "$here/probes/target/$target/release/$1"
}
