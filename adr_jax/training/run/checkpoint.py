"""Saving and restoring: the only file that knows orbax."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from flax import serialization
from jaxtyping import PyTree

from adr_jax.errors import InputError
from adr_jax.training.devices import processes
from adr_jax.training.run.record import Record

log = logging.getLogger("adr_jax")


class Checkpoints:
    """The checkpoints of one folder, newest last; `keep` of them stay.

    All processes call its methods together; the first alone touches the folder.
    """

    def __init__(self, folder: epath.Path, keep: int):
        # A relative path fails inside orbax's thread.
        self.folder = folder if "://" in str(folder) else folder.absolute()
        # The newest step that is safely there, as far as this process has seen.
        self.newest: int | None = None
        self._writing: int | None = None
        self._manager = self._open(keep) if processes.is_first() else None

    def _open(self, keep: int) -> ocp.CheckpointManager:
        self.folder.mkdir(parents=True, exist_ok=True)
        return ocp.CheckpointManager(
            self.folder,
            options=ocp.CheckpointManagerOptions(
                max_to_keep=keep,
                cleanup_tmp_directories=True,
                create=False,
                multiprocessing_options=ocp.options.MultiprocessingOptions(
                    primary_host=0, active_processes={0}
                ),
            ),
            item_names=("state", "record"),
        )

    def save(self, step: int, state: PyTree, record: Mapping) -> None:
        """Write arrays and a JSON record under `step`, in the background.

        An existing checkpoint is replaced: a run that went back does the step again.

        Raises:
          InputError: this one or the one before could not be written.
        """
        self.wait()
        self._writing = step
        processes.together(lambda: self._save(step, state, record))

    def _save(self, step: int, state: PyTree, record: Mapping) -> None:
        if self._manager is None:
            return
        arrays = serialization.to_state_dict(jax.device_get(state))
        record = json.loads(json.dumps(record))  # the run's own goes on changing
        with self._explained():
            if step in self._manager.all_steps():
                self._manager.delete(step)
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(arrays),
                    record=ocp.args.JsonSave(
                        {"record": record, "digest": _digest(arrays, record)}
                    ),
                ),
                force=True,  # orbax would refuse a step before the newest
            )

    def wait(self) -> None:
        """Wait until what was saved is safely there; raise what `save` does."""
        if self._writing is not None:
            processes.together(self._wait)
            self.newest, self._writing = self._writing, None

    def _wait(self) -> None:
        if self._manager is not None:
            with self._explained():
                self._manager.wait_until_finished()
                self._manager.check_for_errors()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Explain in one line what goes wrong in writing: a full disk, a lost mount."""
        try:
            yield
        except Exception as error:  # orbax's errors have no common type
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(
                f"{self.folder}: step {self._writing} could not be saved ({reason}); "
                f"{self.last_good()}; once there is room to write, the same command "
                "resumes"
            ) from error

    @property
    def last_step(self) -> int | None:
        """The newest step that is there, or on its way."""
        return self.newest if self._writing is None else self._writing

    def last_good(self) -> str:
        """Return where the newest checkpoint is, in words."""
        if self.newest is None:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is {self.folder / str(self.newest)}"

    def restore(self) -> tuple[dict, Record] | None:
        """Restore the newest checkpoint that can be read, as (state, record), or None.

        The state comes as nested dictionaries of NumPy arrays, for any number of
        devices; `flax.serialization.from_state_dict` gives them their types back. A
        checkpoint that cannot be read is skipped with a warning: damage after a save
        shows only here.

        Raises:
          InputError: there are checkpoints, but none can be read.
        """
        restored = processes.on_first(self._restore)
        if restored is None:
            return None
        self.newest = restored["step"]
        place = self.folder / str(self.newest)
        return restored["state"], Record(restored["record"], place)

    def _restore(self) -> dict | None:
        assert self._manager is not None
        steps = sorted(self._manager.all_steps(), reverse=True)
        args = ocp.args.Composite(
            state=ocp.args.StandardRestore(), record=ocp.args.JsonRestore()
        )
        reasons = []
        for step in steps:
            try:
                restored = self._manager.restore(step, args=args)
                state, content = restored["state"], restored["record"]
                record, digest = (content.get(key) for key in ("record", "digest"))
                if record is None or digest is None:
                    raise ValueError("no digest: another version of adr_jax wrote it")
                if _digest(state, record) != digest:
                    raise ValueError("its content changed")
            except Exception as error:  # orbax's errors have no common type
                reason = next(iter(str(error).splitlines()), type(error).__name__)
                reasons.append(reason[:200])
                place = self.folder / str(step)
                log.warning("%s cannot be read (%s)", place, reasons[-1])
            else:
                return {"step": step, "state": state, "record": record}
        if steps:
            raise InputError(
                f"{self.folder}: none of its {len(steps)} checkpoints can be read "
                f"({reasons[0]}); train anew in another --workdir"
            )
        return None

    def close(self) -> None:
        """Wait, and release the folder."""
        if self._manager is not None:
            with self._explained():
                self._manager.close()


def _digest(arrays: PyTree, record: Mapping) -> str:
    """Return a digest of the content: not every damage makes a file unreadable."""
    digest = hashlib.blake2b(json.dumps(record, sort_keys=True).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(arrays):
        array = np.asarray(leaf)
        digest.update(f"{path} {array.shape} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
