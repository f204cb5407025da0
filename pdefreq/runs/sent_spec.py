"""A specification as plain data for another process, possibly on another machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pdefreq.core.array_files import read_npz
from pdefreq.core.file_io import npz_bytes
from pdefreq.core.registry import require_trust
from pdefreq.runs.spec import RunSpec


@dataclass(frozen=True)
class SentSpec:
    """A specification with the content of the files that it names.

    Args:
        spec: The spec as JSON.
        arrays: The arrays of the problem, as the content of an ``.npz`` file.
        code: The content of each Python file of the user that the spec names, by its path.
    """

    spec: str
    arrays: bytes
    code: Mapping[str, bytes]

    @classmethod
    def of(cls, spec: RunSpec) -> Self:
        """The data of a specification.

        Raises:
            UntrustedCodeError: If it names Python files, which may not be loaded here.
        """
        require_trust(spec.code_files)  # the other process loads them
        arrays = spec.problem.arrays
        code = {str(file): file.read_bytes() for file in spec.code_files}
        return cls(json.dumps(spec.to_json()), npz_bytes(arrays) if arrays else b"", code)

    def read(self, code_folder: Path) -> RunSpec:
        """The specification.

        Args:
            code_folder: Where the Python files are written if their own paths do not have the same content, each in a folder
                that is named after its content, because two files can have the same name.
        """
        spec = RunSpec.from_json(json.loads(self.spec), read_npz(self.arrays) if self.arrays else {})
        if all(Path(file).is_file() and Path(file).read_bytes() == content for file, content in self.code.items()):
            return spec
        digests = {file: hashlib.sha256(content).hexdigest()[:12] for file, content in self.code.items()}
        copies = {Path(file): code_folder / digest / Path(file).name for file, digest in digests.items()}
        for file, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(self.code[str(file)])
        return spec.moved(copies.__getitem__)
