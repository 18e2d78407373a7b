import subprocess
def test_api(server):
    key = server.key("schema tester")
    done = subprocess.run([".venv/bin/schemathesis", "run", server.url + "/openapi.json", "-H", f"Authorization: Bearer {key}", "-n", "25", "--suppress-health-check=all", "--max-failures=30","--no-color"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    open("/tmp/lib-schema.txt","w").write(done.stdout)
