"""Libraries by their names: the one that is already loaded, for every name that leads to it."""


def test_a_library_that_loads_itself_by_any_name_is_the_one_that_is_loaded(start_gateway):
    server = start_gateway(extensions={"loads_itself": {"threads": 2}})
    for _ in range(2):
        lines = dict(line.rsplit(" ", 1) for line in server.plain().get("/loads_itself").text.splitlines())
        names = ["path", "own", "file", "relative", "link", "dots", "backslashes", "bare", "dll", "wide", "address", "freed"]
        assert lines == {**dict.fromkeys(names, "1"), "too often": "0", "absent": "0"}


def test_each_of_two_copies_of_a_library_loads_itself(start_gateway, build_extension):
    library = build_extension("loads_itself")
    server = start_gateway(extensions={"one": {"library": library}, "two": {"library": library}})
    for path in ["/one", "/two", "/one"]:
        text = server.plain().get(path).text
        assert "own 1\nfile 1\nrelative 1\nlink 1\n" in text, text
