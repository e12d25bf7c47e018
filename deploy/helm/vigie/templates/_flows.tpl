{{/* One flow to peers that the values name. */}}
{{- define "vigie.to" -}}
- to:
    {{- toYaml .peers | nindent 4 }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{- define "vigie.toDns" -}}
# Names.
- to:
    {{- toYaml .Values.networkPolicy.dns.peers | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}

{{- define "vigie.toPostgres" -}}
{{- if .Values.database.cloudNativePG.enabled }}
- to:
    - podSelector:
        matchLabels:
          cnpg.io/cluster: {{ include "vigie.fullname" . }}-postgres
  ports:
    - {protocol: TCP, port: 5432}
{{- else if .Values.evaluation.enabled }}
- to:
    - podSelector:
        matchLabels:
          {{- include "vigie.selector" (dict "root" . "component" "postgres") | nindent 10 }}
  ports:
    - {protocol: TCP, port: 5432}
{{- else }}
{{- include "vigie.to" (dict "peers" .Values.networkPolicy.postgres.peers "ports" (list .Values.networkPolicy.postgres.port)) }}
{{- end }}
{{- end }}

{{/* From and to Pods of the release. */}}
{{- define "vigie.pods" -}}
{{- range .components }}
- podSelector:
    matchLabels:
      {{- include "vigie.selector" (dict "root" $.root "component" .) | nindent 6 }}
{{- end }}
{{- end }}

{{- define "vigie.policyMetadata" -}}
name: {{ include "vigie.fullname" .root }}-{{ .component }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "vigie.labels" . | nindent 2 }}
{{- end }}
