"""A FastAPI application with metrics from the official Python client, as a stranger would write it.

Usage: fastapi_app.py PORT
"""

import sys
import time

import uvicorn
from fastapi import FastAPI, Request
from prometheus_client import Counter, Gauge, Histogram, Info, make_asgi_app

app = FastAPI()
requests_total = Counter("shop_requests_total", "HTTP requests answered", ["method", "route", "status"])
duration = Histogram("shop_request_duration_seconds", "Time to answer", ["route"], buckets=(0.005, 0.05, 0.5, 1, 5))
in_flight = Gauge("shop_requests_in_flight", "Requests being answered now")
build = Info("shop_build", "What is running")
build.info({"version": "1.2.3"})


@app.middleware("http")
async def measure(request: Request, call_next):
    started = time.perf_counter()
    with in_flight.track_inprogress():
        response = await call_next(request)
    route = request.scope.get("route")
    path = getattr(route, "path", "unmatched")
    if path != "/metrics":
        requests_total.labels(request.method, path, response.status_code).inc()
        duration.labels(path).observe(time.perf_counter() - started, {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"})
    return response


@app.get("/orders/{order_id}")
async def order(order_id: int):
    return {"id": order_id}


app.mount("/metrics", make_asgi_app())

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
