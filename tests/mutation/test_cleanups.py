"""The search for cleanups that no test misses: what it finds, and one that must not survive."""

from pathlib import Path

from tests.mutation.cleanups import cleanups, copy_repository, failing_test, runtime_cleanups

SOURCE = """
class Part:
    async def write(self, path):
        try:
            with closing(path.open()) as file:
                file.write("ü")
        except BaseException:
            path.unlink()
            raise
        except OSError:
            await self._pool.aclose()
        finally:
            self.ended = True
            self.lock.release()
"""


def test_cleanups_of_each_kind_are_found_and_removed() -> None:
    found = list(cleanups("part.py", SOURCE))
    assert [(one.kind, one.text, one.line) for one in found] == [
        ("finally", "self.ended = True self.lock.release()", 13),
        ("closing", "closing(path.open())", 5),
        ("handler", "path.unlink()", 8),
        ("call", "await self._pool.aclose()", 11),
        ("call", "self.lock.release()", 14),
    ]
    assert {one.function for one in found} == {"Part.write"}
    assert all(one.mutated.count("\n") >= SOURCE.count("\n") - 1 for one in found)
    assert "unlink" not in found[2].mutated
    assert 'file.write("ü")' in found[2].mutated


def test_each_cleanup_of_the_runtime_can_be_removed() -> None:
    found = runtime_cleanups()
    assert len({one.key for one in found}) > 50
    for one in found:
        compile(one.mutated, one.module, "exec")


def test_removed_cleanup_makes_a_test_fail(tmp_path: Path) -> None:
    folder = copy_repository(tmp_path)
    (cleanup,) = [one for one in runtime_cleanups() if one.module == "downloads/manifest.py"]
    test = "tests/files/test_manifest.py::test_write_that_fails_leaves_no_other_file"
    assert failing_test(folder, cleanup, [test]) == test
    other = "tests/files/test_manifest.py::test_link_at_the_target_is_followed"
    assert failing_test(folder, cleanup, [other]) is None
