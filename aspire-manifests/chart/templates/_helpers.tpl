{{/*
Helpers take a dict: `context` is the chart's root, `component` one of vllm, chatapi, chatbot, network, test.
*/}}

{{- define "llasta.selectorLabels" -}}
app.kubernetes.io/name: {{ .context.Chart.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
{{- end }}

{{- define "llasta.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "llasta.selectorLabels" . }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ .context.Chart.Name }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
{{- with .context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Name, labels and annotations; takes `name`, and `annotations` where an object has its own. */}}
{{- define "llasta.metadata" -}}
name: {{ .name }}
labels:
  {{- include "llasta.labels" . | nindent 2 }}
{{- with merge dict (.annotations | default dict) .context.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Labels and annotations of pods: takes `values` (of the component) and `checksum`, so that a changed configuration restarts them. */}}
{{- define "llasta.podMetadata" -}}
labels:
  {{- include "llasta.selectorLabels" . | nindent 2 }}
  {{- with merge dict (.values.podLabels | default dict) .context.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/configuration: {{ .checksum | sha256sum }}
  {{- with merge dict (.values.podAnnotations | default dict) .context.Values.commonAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* [registry/]repository:tag or @digest; takes `image`. */}}
{{- define "llasta.image" -}}
{{- with .context.Values.imageRegistry | default .image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .context.Chart.AppVersion }}{{ end -}}
{{- end }}

{{/* A scalar as the text that it was written as: large numbers of values files are floats to Helm, and 4194304 is not 4.194304e+06. */}}
{{- define "llasta.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end }}

{{/* ConfigMap data; takes `fixed`, the chart's own settings, and `env`, the operator's, which wins (`merge` would lose a false or 0). */}}
{{- define "llasta.configuration" -}}
{{- $all := .fixed }}
{{- range $name, $value := .env }}
{{- $_ := set $all $name $value }}
{{- end }}
{{- range $name, $value := $all }}
{{ $name }}: {{ include "llasta.text" $value | quote }}
{{- end }}
{{- end }}

{{- define "llasta.apiKeySecret" -}}
{{- .Values.model.existingSecret | default "model-api-key" -}}
{{- end }}

{{/* The model's key as the variable `variable`. Optional: without the Secret there is no key. */}}
{{- define "llasta.apiKeyVariable" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ include "llasta.apiKeySecret" .context }}
      key: api-key
      optional: {{ not .context.Values.model.existingSecret }}
{{- end }}

{{/* The parts of a pod that decide where it runs and what it may; takes `values`. */}}
{{- define "llasta.scheduling" -}}
{{- with .context.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* An HTTP probe on the port `http`; takes `path`, `period` and `failures`. A second, Kubernetes' default timeout, takes busy pods out of service. */}}
{{- define "llasta.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  scheme: HTTP
periodSeconds: {{ .period }}
timeoutSeconds: 5
failureThreshold: {{ .failures }}
{{- end }}

{{/* Seconds between the end of a pod's endpoints and its stop signal, for the news to reach every node. */}}
{{- define "llasta.preStopSeconds" -}}5{{- end }}

{{- define "llasta.preStop" -}}
preStop:
  sleep:
    seconds: {{ include "llasta.preStopSeconds" . }}
{{- end }}

{{/* Grace period: preStop, drain and 10 s in reserve; takes the drain in seconds. */}}
{{- define "llasta.graceSeconds" -}}
{{- add (include "llasta.preStopSeconds" . | int) (int .) 10 -}}
{{- end }}

{{/* Seconds as the services read durations, hh:mm:ss. */}}
{{- define "llasta.duration" -}}
{{- printf "%02d:%02d:%02d" (div (int .) 3600) (mod (div (int .) 60) 60) (mod (int .) 60) -}}
{{- end }}

{{/* Host names that the services answer to besides their own. */}}
{{- define "llasta.allowedHosts" -}}
{{- if .Values.ingress.enabled }}{{ .Values.ingress.host }}{{ end -}}
{{- end }}
