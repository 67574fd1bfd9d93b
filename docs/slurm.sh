#!/bin/bash
# Trains on 2 nodes of 4 GPUs and puts itself back into the queue until it is done:
#
#   sbatch docs/slurm.sh --config configs/shallow_water.py --workdir runs/shallow_water
#
#SBATCH --job-name=adr_jax
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --gpu-bind=none
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@180
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=adr_jax-%j.log

# One process for each GPU. Each sees all GPUs of its node (gpu-bind=none) and takes the
# one of its number. SIGTERM comes three minutes before the time is over.
srun --kill-on-bad-exit=1 .venv/bin/python train.py \
  --config.expected_devices="$((SLURM_NNODES * 4))" "$@"
code=$?

# 75 says: saved, try again. Other errors need a person.
[ "$code" -eq 75 ] && scontrol requeue "$SLURM_JOB_ID"
exit "$code"
