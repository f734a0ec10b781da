"""The web server, as testinfra finds it."""


def test_package(host):
    assert host.package("nginx").is_installed


def test_service(host):
    assert host.check_output("systemctl is-enabled nginx") == "enabled"
    assert host.check_output("systemctl is-active nginx") == "active"


def test_configuration(host):
    file = host.file("/etc/nginx/nginx.conf")
    assert file.mode == 0o644
    assert not file.contains("server_tokens on")


def test_answers(host):
    assert host.run("curl -sSf -o /dev/null http://localhost/").rc == 0
