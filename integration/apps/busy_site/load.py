"""Requests for the site of this folder, more and less of them in waves, until the process is ended: load.py HOST:PORT"""

import asyncio
import math
import random
import sys
import time

host, _, port = sys.argv[1].rpartition(":")
paths = [
    ("/", 30),
    ("/product/hose", 12),
    ("/product/valve", 9),
    ("/product/none", 1),
    ("/cart", 8),
    ("/export", 0.12),
    ("/broken", 0.12),
    ("/killed", 0.006),
] + [("/api/items", 25), ("/api/lag?0.09", 2), ("/api/lag?0.5", 0.3), ("/files/hose.txt", 9), ("/warehouse/stock", 3)]
urls, weights = zip(*paths)


async def ask(url):
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {url} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n".encode())
        while await reader.read(65536):
            pass
        writer.close()
    except OSError:
        pass


async def main():
    tasks = set()
    began = time.monotonic()
    while True:
        t = time.monotonic() - began
        rate = 14 + 9 * math.sin(t / 140) + 5 * math.sin(t / 37) + (30 if t % 600 > 570 else 0)
        await asyncio.sleep(random.expovariate(max(rate, 2)))
        if len(tasks) < 200:
            task = asyncio.create_task(ask(random.choices(urls, weights)[0]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


asyncio.run(main())
