"""A connector of minihub in Python, with nothing but the standard library.

The system it speaks to takes uploads, two for each payment, and refuses the third. So
the operation is one-shot, and after an outcome nobody knows the hub asks by look-up.
"""

import json
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

DECLARATION = {
    "title": "Uploads",
    "role": "any",
    "text": "Uploads a document for its payment, at most twice.",
    "docs": "https://uploads.example/api",
    "config": [
        {"name": "url", "kind": "url", "required": True, "text": "where the system listens"},
        {"name": "token", "kind": "secret", "required": True, "text": "bearer token"},
    ],
    "operations": [
        {
            "name": "upload.post",
            "entity": "shipment",
            "text": "Uploads a document for its payment.",
            "carries": "state",
            "changes": "upsert",
            "repeat": "one-shot",
            "budget": 2,
            "budget_key": "/payment",
            "list": {"reason": "the system has no list call"},
        }
    ],
}

# What each code of the system means: kind, scope, and whether the write may have taken
# effect. A code that is not here is unclassified, and nobody knows what it did.
CODES = {
    "invalid": ("invalid", "document", False),
    "used_up": ("conflict", "document", False),
    "busy": ("unavailable", "connection", False),
}


class Fault(Exception):
    """What a call fails with, in the form of the protocol."""

    def __init__(self, kind, scope, code, text, sent, wait=None, raw=None):
        super().__init__(text)
        self.data = {"kind": kind, "scope": scope, "code": code, "text": text, "sent": sent}
        if wait:
            self.data["wait"] = wait
        if raw:
            self.data["raw"] = raw


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would repeat a write somewhere else: it is an answer like any other."""

    def redirect_request(self, *_):
        return None


class Connection:
    def __init__(self, config):
        self.url = config["text"]["url"].rstrip("/")
        self.token = config["secrets"]["token"]
        self.http = urllib.request.build_opener(NoRedirect)

    def call(self, method, path, body, timeout):
        """One call, never repeated. Returns the answer and what support sees of it."""
        seen = {"method": method, "url": self.url + path, "request": body or ""}
        request = urllib.request.Request(self.url + path, method=method, data=body.encode() if body else None)
        request.add_header("Authorization", "Bearer " + self.token)
        request.add_header("Content-Type", "application/json")
        began = time.monotonic()
        try:
            with self.http.open(request, timeout=timeout) as answer:
                seen["status"], text = answer.status, answer.read()
        except urllib.error.HTTPError as e:
            seen["status"] = e.code
            if e.code == 429:
                wait = e.headers.get("Retry-After", "1") + "s"
                raise Fault("rate_limited", "connection", "http.429", "over the limit", False, wait) from e
            refused = e.code in (401, 403)
            raise Fault("unauthorized" if refused else "unavailable", "connection", f"http.{e.code}", "the system failed", not refused) from e
        except (OSError, ValueError, EOFError) as e:
            reason = getattr(e, "reason", e)
            unsent = isinstance(reason, (ConnectionRefusedError, socket.gaierror))
            raise Fault("unavailable", "connection", "http.transport", type(reason).__name__, not unsent) from e
        except Exception as e:  # http.client has errors of its own: cut, garbled
            raise Fault("unavailable", "connection", "http.transport", type(e).__name__, True) from e
        seen["took"] = f"{int((time.monotonic() - began) * 1000)}ms"
        seen["response"] = text.decode("utf-8", "replace")
        try:
            reply = json.loads(text)
        except ValueError as e:
            raise Fault("unreadable", "document", "answer", "the answer is no JSON", True, raw=seen["response"]) from e
        if reply.get("error"):
            code = reply["error"]["code"]
            kind, scope, sent = CODES.get(code, ("unclassified", "document", True))
            raise Fault(kind, scope, code, reply["error"]["text"], sent)
        return reply, seen

    def deliver(self, params):
        return {"results": [self.post(d, seconds(params["timeout"])) for d in params["deliveries"]]}

    def post(self, delivery, timeout):
        # The document goes out as it came: nothing in it is read as a number here.
        body = '{"key":%s,"document":%s}' % (json.dumps(delivery["key"]), delivery["document"])
        try:
            reply, seen = self.call("POST", "/uploads", body, timeout)
        except Fault as f:
            if f.data["sent"]:
                outcome = "unknown"
            else:
                outcome = "refused" if f.data["scope"] == "document" else "not_sent"
            return {"id": delivery["id"], "outcome": outcome, "err": f.data}
        return {
            "id": delivery["id"],
            "outcome": "done",
            "remote_ids": [{"kind": "upload", "value": reply["id"]}],
            "exchanges": [seen],
        }

    def lookup(self, params):
        return {"findings": [self.find(d, seconds(params["timeout"])) for d in params["deliveries"]]}

    def find(self, delivery, timeout):
        ours = json.loads(delivery["document"])
        finding = {"id": delivery["id"]}
        try:
            query = urllib.parse.urlencode({"payment": ours["payment"]})
            reply, seen = self.call("GET", "/uploads?" + query, None, timeout)
        except Fault as f:
            return finding | {"presence": "cannot_tell", "err": f.data}
        finding["exchanges"] = [seen]
        if not reply["found"]:
            return finding | {"presence": "absent"}
        fields = ["/" + name for name in ("payment", "total", "lines") if ours.get(name) != reply["document"].get(name)]
        found = {"remote_ids": [{"kind": "upload", "value": reply["id"]}]}
        if fields:
            return finding | found | {"presence": "other", "fields": fields}
        return finding | found | {"presence": "same"}


def seconds(span):
    """Reads a span of time such as 1m29.5s or 250ms."""
    total, number, unit = 0.0, "", ""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
    for c in span + "0":
        if c.isdigit() or c == ".":
            if unit:
                total, number, unit = total + float(number) * units[unit], "", ""
            number += c
        else:
            unit += c
    return total


def main():
    connection = None
    for line in sys.stdin:
        call = json.loads(line)
        if "id" not in call:
            continue  # a notification: cancel. This program does one thing at a time.
        method, params, answer = call["method"], call.get("params", {}), {"jsonrpc": "2.0", "id": call["id"]}
        try:
            if method == "initialize":
                answer["result"] = {"protocol": 1, "declaration": DECLARATION}
            elif method == "open":
                connection = Connection(params["config"])
                answer["result"] = {"abilities": ["deliver", "lookup"]}
            elif method == "deliver":
                answer["result"] = connection.deliver(params)
            elif method == "lookup":
                answer["result"] = connection.lookup(params)
            elif method == "close":
                answer["result"] = {}
            else:
                answer["error"] = {"code": -32601, "message": "no such method"}
        except Fault as f:
            answer["error"] = {"code": -32000, "message": str(f), "data": f.data}
        print(json.dumps(answer), flush=True)
        if method == "close":
            return


main()
