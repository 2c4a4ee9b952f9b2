"""The unit and nginx files of docs/deploy are what their programs understand, and say only what the desk knows."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
WORDS = {"web", "worker", "ticker", "receiver", "desk", "setup"}
READ = re.compile(r"""environ(?:\.get\(|\[)\s*["']([A-Z][A-Z_]+)["']""")


def known() -> set[str]:
    sources = [ROOT / "config.py", ROOT / "run.py", *(ROOT / "app").rglob("*.py")]
    return {name for source in sources for name in READ.findall(source.read_text(encoding="utf-8"))}


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_word_of_the_one_command_as_its_own_user(path: Path) -> None:
    service = unit(path)
    if path.suffix == ".timer":
        assert (DEPLOY / f"{path.stem}.service").exists()
        return
    assert service["Service"]["User"] == "deskhand"
    assert service["Service"]["EnvironmentFile"] == "/etc/deskhand.env"
    word = re.search(r"/opt/deskhand/run\.py\s*(\w*)", service["Service"]["ExecStart"])
    assert word is not None and word[1] in WORDS | {""}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_a_unit(path: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd on this machine")
    for other in UNITS:
        text = other.read_text(encoding="utf-8").replace("/opt/deskhand/run.py", str(ROOT / "run.py"))
        (tmp_path / other.name).write_text(text.replace("User=deskhand\n", ""), encoding="utf-8")

    found = subprocess.run([analyze, "verify", tmp_path / path.name], capture_output=True, text=True)

    ours = [line for line in found.stderr.splitlines() if path.name.partition("@")[0].partition(".")[0] in line]
    assert [line for line in ours if "Unknown" in line or "Invalid" in line or "Failed to parse" in line] == []


def test_every_setting_that_the_files_name_exists() -> None:
    named = set(re.findall(r"^([A-Z][A-Z_]+)=", (DEPLOY / "deskhand.env").read_text(encoding="utf-8"), re.M))
    for path in DEPLOY.glob("*.service"):
        named |= set(re.findall(r"([A-Z][A-Z_]+)=", unit(path)["Service"].get("Environment", "")))

    assert named <= known(), named - known()
    assert {"SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "DESKHAND_PROXIES"} <= named


def test_every_setting_that_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:DESKHAND_)?[A-Z]+_[A-Z_]+)(?:=[^`]*)?`", page))

    assert named - {"FORWARDED_ALLOW_IPS"} <= known(), named - known()


def test_the_example_is_refused_until_its_key_is_replaced() -> None:
    """32 characters are asked for; nobody runs a desk with the example's."""
    example = (DEPLOY / "deskhand.env").read_text(encoding="utf-8")

    key = re.search(r"^SECRET_KEY=(.*)$", example, re.M)
    assert key is not None and len(key[1]) < 32


def test_nginx_understands_its_file(tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx") or "/usr/sbin/nginx", shutil.which("openssl")
    if not Path(nginx).exists() or openssl is None:
        pytest.skip("no nginx on this machine")
    key, certificate = tmp_path / "deskhand.key", tmp_path / "deskhand.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8").replace("/etc/ssl/", f"{tmp_path}/")
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {site} }}")

    found = subprocess.run([nginx, "-t", "-p", tmp_path, "-c", whole], capture_output=True, text=True)

    assert "syntax is ok" in found.stderr, found.stderr


def test_nginx_keeps_both_processes_and_no_visitors_word_for_an_address() -> None:
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")

    assert site.count("max_fails=0;") == 2
    assert "X-Forwarded-For $remote_addr;" in site
    assert "location = /metrics { deny all; }" in site
