#!/bin/sh
# RUSTC_WORKSPACE_WRAPPER of `cargo xtask chaos --planted`: compiles the faults in that windlass can have on purpose.
exec "$@" --cfg windlass_planted
