"""Many clients of files that are evicted, replaced and swapped get the right bytes, all of them."""

import files_stress


def test_every_byte_is_of_the_file_that_was_asked_for(tmp_path, certificates, build_extension):
    responses, _ = files_stress.stress(tmp_path, certificates, build_extension("lets_go"), 10)
    assert responses > 100
