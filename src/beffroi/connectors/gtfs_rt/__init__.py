"""Vehicle positions of public transport: GTFS-Realtime 2.0 (and 1.0), a Protocol Buffers feed fetched over HTTP.

Read: one report per vehicle with its position. Trip updates and alerts in the same feed are passed over. Nothing may be
commanded. Source: `gtfs-realtime.proto` and its reference (google/transit, Apache-2.0).
"""
