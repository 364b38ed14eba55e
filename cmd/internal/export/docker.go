package export

// docker writes a Dockerfile.
func docker(p *page, f *File) {
	p.textf(`
# Dockerfile
# Made by "standpipe export docker" from %[1]s.
# docker build -t %[2]s:%[4]s . && docker run -p %[3]d:%[3]d --read-only --tmpfs /tmp %[2]s:%[4]s
# %[5]s
FROM python:3.13-slim

WORKDIR /srv/%[2]s

# What the app needs comes first: this layer stays while only the code changes.
`, f.Source, f.dns(), f.Inside, f.Tag, f.TagFrom)
	switch {
	case f.UV:
		p.text(`
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
`)
	case f.Needs:
		p.text(`
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
`)
	default:
		p.text(`
# There is no uv.lock and no requirements.txt here; a line such as this one installs what the app imports.
#RUN pip install --no-cache-dir flask
`)
	}
	p.textf(`

# The program is one static file: the one of this machine, copied beside this Dockerfile.
COPY --chmod=0755 standpipe /usr/local/bin/standpipe
COPY . .

ENV PYTHONDONTWRITEBYTECODE=1
# Any number but 0 works: nothing is written but /tmp.
USER 10001:10001
EXPOSE %d
# Ready: each app has a worker that takes requests. The server drains connections by itself when it is stopped.
HEALTHCHECK --interval=10s --timeout=3s --start-period=%ds CMD ["standpipe", "health"]
STOPSIGNAL SIGTERM
CMD ["standpipe", %s]
`, f.Inside, f.Boot, jsonWords(f.Command))
}
