"""Downloads from a server that misbehaves."""

import hashlib
import http.client
import random
import resource
import urllib.request

import pytest
from owner import CONTENT, behave, serving

from pipeline.data.download import Patience, _Redirects, download, progress_line
from pipeline.stage import WrongInput

OTHER = random.Random(1).randbytes(280_000)
HASTY = Patience(timeout=0.5, waits=(0.01, 0.01))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def sha(content):
    return hashlib.sha256(content).hexdigest()


def get(url, folder, length=None, sha256=None):
    download(url, folder / "hands.zip", length, sha256, HASTY)
    assert [path.name for path in folder.iterdir()] == ["hands.zip"], "nothing is left beside"
    return (folder / "hands.zip").read_bytes()


def fails(url, folder, said, **known):
    """Expect one line that names the address, and no file of the final name."""
    with pytest.raises(WrongInput, match=said) as wrong:
        get(url, folder, **known)
    assert str(wrong.value).startswith("http://127.0.0.1") and "\n" not in str(wrong.value)
    assert not (folder / "hands.zip").exists()


@pytest.mark.parametrize("etag", ['"one"', None])
def test_a_file_arrives_whole(tmp_path, etag):
    with serving(behave(etag=etag)) as (url, owner):
        assert get(url, tmp_path, len(CONTENT), sha(CONTENT)) == CONTENT
        assert owner.requests[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("mark", [{"etag": '"one"'}, {"etag": None, "Last_Modified": "Mon, 01 Feb 2016 00:00:00 GMT"}])
def test_a_cut_connection_is_gone_on_with_where_it_was_cut(tmp_path, mark):
    with serving(behave(stop_at=100_000, **mark), behave(**mark)) as (url, owner):
        assert get(url, tmp_path, sha256=sha(CONTENT)) == CONTENT
        assert owner.requests[1]["Range"] == "bytes=100000-"
        assert owner.requests[1]["If-Range"] == mark.get("Last_Modified", '"one"')


def test_every_cut_that_brings_bytes_starts_the_waits_over(tmp_path):
    with serving(behave(stop_at=30_000)) as (url, owner):
        assert get(url, tmp_path) == CONTENT
        assert len(owner.requests) == 10 > len(HASTY.waits) + 1


def test_a_stalled_connection_is_given_up_and_gone_on_with(tmp_path):
    with serving(behave(stop_at=50_000, stall=True), behave()) as (url, owner):
        assert get(url, tmp_path) == CONTENT
        assert owner.requests[1]["Range"] == "bytes=50000-"


def test_the_next_call_goes_on_where_the_last_gave_up(tmp_path):
    with serving(behave(stop_at=100_000), behave(stop_at=0, stall=True)) as (url, _):
        fails(url, tmp_path, r"3 times; 0\.1 MB are kept")
    with serving(behave()) as (url, owner):
        assert get(url, tmp_path) == CONTENT
        assert owner.requests[0]["Range"] == "bytes=100000-"


def test_all_bytes_there_but_the_name_is_no_reason_to_fetch_them_again(tmp_path):
    with serving(behave(claimed=len(CONTENT) + 1), behave(status=503)) as (url, _):
        fails(url, tmp_path, "HTTP 503")
    with serving(behave()) as (url, owner):
        assert get(url, tmp_path) == CONTENT
        assert [request["Range"] for request in owner.requests] == ["bytes=300000-"]


@pytest.mark.parametrize("etag", ['"one"', None])
def test_a_server_without_ranges_is_asked_for_all_of_it(tmp_path, etag):
    with serving(behave(etag=etag, ranges=False, stop_at=99), behave(etag=etag, ranges=False)) as (url, owner):
        assert get(url, tmp_path) == CONTENT
        assert len(owner.requests) == 2


def test_what_is_here_stays_until_a_server_without_ranges_has_sent_more(tmp_path):
    with serving(behave(stop_at=200_000), behave(ranges=False, stop_at=100), behave(status=403)) as (url, _):
        fails(url, tmp_path, "HTTP 403")
    assert (tmp_path / "hands.zip.part").stat().st_size == 200_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hands.zip.part", "hands.zip.part.json"]


def careless(handler, owner):
    """Another file than before, whatever If-Range says: the end of it after the beginning of the old one."""
    if handler.headers["If-Range"]:
        handler.headers.replace_header("If-Range", '"two"')
    behave(OTHER, etag='"two"')(handler, owner)


@pytest.mark.parametrize("honest", [True, False])
def test_a_file_that_changed_between_two_attempts_is_never_mixed(tmp_path, honest):
    second = behave(OTHER, etag='"two"') if honest else careless
    with serving(behave(stop_at=100_000), second) as (url, _):
        assert get(url, tmp_path) == OTHER


def test_a_range_that_was_not_asked_for_is_not_joined(tmp_path):
    def elsewhere(handler, owner):
        if handler.headers["Range"]:
            handler.headers.replace_header("Range", "bytes=90000-")
        behave()(handler, owner)

    with serving(behave(stop_at=100_000), elsewhere) as (url, _):
        assert get(url, tmp_path) == CONTENT


def test_another_file_as_long_as_the_bytes_here_is_not_taken_for_complete(tmp_path):
    with serving(behave(stop_at=len(OTHER)), careless) as (url, _):
        assert get(url, tmp_path) == OTHER


def test_a_shorter_file_than_the_bytes_here_is_fetched_anew(tmp_path):
    with serving(behave(claimed=len(CONTENT) + 1), behave(CONTENT[:1000])) as (url, _):
        assert get(url, tmp_path) == CONTENT[:1000]


def test_a_server_that_claims_more_than_it_has(tmp_path):
    with serving(behave(claimed=400_000, ranges=False)) as (url, _):
        fails(url, tmp_path / "first", r"broke off at 0\.3 of 0\.4 MB, 3 times")
    with serving(behave(claimed=400_000)) as (url, _):
        fails(url, tmp_path / "second", "400000 bytes at the owner's; expected 300000", length=len(CONTENT))
    # Asked for the rest, this one admits that there is none.
    with serving(behave(claimed=400_000)) as (url, owner):
        assert get(url, tmp_path / "third") == CONTENT
        assert len(owner.requests) > 1


def test_a_server_that_claims_less_than_it_has(tmp_path):
    with serving(behave(claimed=200_000)) as (url, _):
        fails(url, tmp_path, "200000 bytes at the owner's; expected 300000", length=len(CONTENT))
        fails(url, tmp_path, "expected " + sha(CONTENT), sha256=sha(CONTENT))


def test_a_wrong_file_is_set_aside_and_not_gone_on_with(tmp_path):
    with serving(behave(OTHER)) as (url, _):
        fails(url, tmp_path, rf"sha256 {sha(OTHER)}; expected {sha(CONTENT)}; .*hands\.zip\.wrong", sha256=sha(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["hands.zip.wrong"]
    with serving(behave()) as (url, owner):
        download(url, tmp_path / "hands.zip", None, sha(CONTENT), HASTY)
        assert "Range" not in owner.requests[0]


@pytest.mark.parametrize(
    ("status", "said", "attempts"),
    [
        (404, "HTTP 404; no such file any more: .* registry", 1),
        (403, "HTTP 403; the owner refuses", 1),
        (401, "HTTP 401; the owner asks for a login", 1),
        (500, "HTTP 500, 3 times", 3),
        (503, "HTTP 503, 3 times", 3),
    ],
)
def test_a_refusal_is_one_line_and_tried_again_only_where_that_may_help(tmp_path, status, said, attempts):
    with serving(behave(status=status)) as (url, owner):
        fails(url, tmp_path, said)
        assert len(owner.requests) == attempts


def test_a_redirect_is_followed_with_its_range(tmp_path):
    with serving(behave(stop_at=1000), behave()) as (there, owner):
        with serving(behave(status=302, Location=there)) as (url, _):
            assert get(url, tmp_path) == CONTENT
        assert owner.requests[1]["Range"] == "bytes=1000-"


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/hands.zip", "file:///etc/passwd"])
def test_a_redirect_out_of_http_is_refused(tmp_path, place):
    with serving(behave(status=302, Location=place)) as (url, _):
        fails(url, tmp_path, "a less safe address|HTTP 302")


def test_a_redirect_out_of_https_is_refused():
    request = urllib.request.Request("https://owner.example/hands.zip")
    answer = (None, 302, "Found", http.client.HTTPMessage())
    assert _Redirects().redirect_request(request, *answer, "https://mirror.example/x").full_url.startswith("https://m")
    with pytest.raises(WrongInput, match="a less safe address"):
        _Redirects().redirect_request(request, *answer, "http://mirror.example/x")


def test_a_redirect_in_a_circle_ends(tmp_path):
    with serving(behave(status=302, Location="/hands.zip")) as (url, _):
        fails(url, tmp_path, "HTTP 302")


def test_a_compressed_answer_is_refused(tmp_path):
    with serving(behave(Content_Encoding="gzip")) as (url, _):
        fails(url, tmp_path, "another encoding")


def test_no_server_at_all(tmp_path):
    with serving(behave()) as (url, _):
        pass
    fails(url, tmp_path, r"no answer \(.*refused\), 3 times")


def test_no_room_on_the_disk_is_said_before_a_byte_comes(tmp_path):
    with (
        serving(behave(claimed=10**18)) as (url, _),
        pytest.raises(WrongInput, match=r"GB free; 1000000000\.0 are needed"),
    ):
        get(url, tmp_path)


def test_a_disk_that_fills_up_keeps_what_came(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(behave()) as (url, _):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(WrongInput, match=r"hands\.zip\.part: no room is left"):
                get(url, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert get(url, tmp_path) == CONTENT


def test_the_progress_line_says_how_long_still():
    line = progress_line("hands.zip", have=1_000_000_000, total=4_600_000_000, got=50_000_000, seconds=10)
    assert line == "hands.zip: 1000.0 of 4600.0 MB, 5.0 MB/s, 0:12:00 left"
    assert progress_line("x", 2_000_000, None, 2_000_000, 1) == "x: 2.0 MB, 2.0 MB/s"
