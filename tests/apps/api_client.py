"""Asks a server through the PyPI package prometheus-api-client.

Usage: api_client.py URL
"""

import sys
from datetime import datetime, timedelta

from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect

connection = PrometheusConnect(url=sys.argv[1], disable_ssl=True)
assert connection.check_prometheus_connection(), "the connection check fails"
names = connection.all_metrics()
assert "up" in names, f"`up` is missing in {names[:10]}"
assert "job" in connection.get_label_names(), "`job` is missing in the label names"
current = connection.get_current_metric_value("up")
assert current and all(row["value"][1] in ("0", "1") for row in current), current
series = connection.get_metric_range_data(
    "up", start_time=datetime.now() - timedelta(minutes=5), end_time=datetime.now() + timedelta(minutes=1)
)
assert series and series[0]["values"], series
assert not MetricRangeDataFrame(series).empty
assert connection.custom_query("count(up)")[0]["value"][1] == str(len(current))
points = connection.custom_query_range(
    "up", start_time=datetime.now() - timedelta(minutes=1), end_time=datetime.now(), step="5s"
)
assert isinstance(points, list), points
print("ok")
