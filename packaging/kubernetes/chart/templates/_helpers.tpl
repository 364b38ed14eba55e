{{- define "standpipe.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standpipe.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standpipe.selector" -}}
app.kubernetes.io/name: {{ include "standpipe.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "standpipe.labels" -}}
{{ include "standpipe.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "standpipe.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ required "image.tag or image.digest names the version of the image" .Values.image.tag }}
{{- end }}
{{- end }}

{{- /* The command line as a list in JSON. */}}
{{- define "standpipe.args" -}}
{{- $a := list "standpipe" "serve" "--bind" (printf "0.0.0.0:%v" .Values.http.port) "--metrics" (printf "0.0.0.0:%v" .Values.metrics.port) }}
{{- $a = concat $a (list "--workers" (toString .Values.workers) "--log-format" "json") }}
{{- if .Values.config }}{{ $a = concat $a (list "--config" "/etc/standpipe/standpipe.toml") }}{{ end }}
{{- if include "standpipe.https" . }}{{ $a = concat $a (list "--bind" (printf "https://0.0.0.0:%v" .Values.tls.port)) }}{{ end }}
{{- if .Values.tls.secretName }}{{ $a = concat $a (list "--tls-cert" "/etc/standpipe-tls/tls.crt" "--tls-key" "/etc/standpipe-tls/tls.key") }}{{ end }}
{{- if .Values.acme.hosts }}
{{- if not .Values.redis.secretName }}{{ fail "acme.hosts needs redis.secretName: all pods share the certificates by Redis" }}{{ end }}
{{- $a = concat $a (list "--https" (join "," .Values.acme.hosts) "--acme-storage" "redis") }}
{{- if .Values.acme.email }}{{ $a = concat $a (list "--acme-email" .Values.acme.email) }}{{ end }}
{{- end }}
{{- concat $a .Values.args | toJson }}
{{- end }}

{{- define "standpipe.https" -}}
{{- if or .Values.tls.secretName .Values.acme.hosts }}true{{ end }}
{{- end }}
