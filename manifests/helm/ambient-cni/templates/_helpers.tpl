{{/* The agent's configuration file: the values, and what follows from the release. */}}
{{- define "ambient-cni.config" -}}
{{- $config := dict "daemonset" (printf "%s/ambient-node-agent" .Release.Namespace) -}}
{{- if .Values.taint }}{{ $_ := set $config "taint" .Values.taint }}{{ end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "ambient-cni.labels" -}}
app.kubernetes.io/part-of: ambient-cni
{{- end -}}

{{- define "ambient-cni.capabilities" -}}
{{- if .Values.foreignFolders -}}
[NET_ADMIN, SYS_ADMIN, DAC_OVERRIDE, CHOWN]
{{- else -}}
[NET_ADMIN, SYS_ADMIN]
{{- end -}}
{{- end -}}
