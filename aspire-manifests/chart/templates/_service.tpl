{{/*
What chatapi and chatbot have in common. Each takes the dict of _helpers.tpl; the component's values are found by its name.
*/}}

{{/* Takes `checksum`, the configuration that restarts the pods when it changes, and `env`, further variables as YAML text. */}}
{{- define "llasta.serviceDeployment" -}}
{{- $values := index .context.Values .component -}}
{{- $scope := merge (dict "values" $values "name" .component) . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "llasta.metadata" $scope | nindent 2 }}
spec:
  {{- if not $values.autoscaling.enabled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "llasta.selectorLabels" . | nindent 6 }}
  # A new pod is ready before an old one stops.
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    metadata:
      {{- include "llasta.podMetadata" $scope | nindent 6 }}
    spec:
      enableServiceLinks: false
      automountServiceAccountToken: false
      # After the drain a service needs 3 s for its streams' last events and 2 s to close.
      terminationGracePeriodSeconds: {{ include "llasta.graceSeconds" (add $values.drainSeconds 5) }}
      securityContext:
        {{- toYaml $values.podSecurityContext | nindent 8 }}
      containers:
        - name: {{ .component }}
          image: {{ include "llasta.image" (dict "context" .context "image" $values.image) }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          securityContext:
            {{- toYaml $values.securityContext | nindent 12 }}
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
          {{- with compact (list .env (ternary (toYaml $values.extraEnv) "" (not (empty $values.extraEnv)))) }}
          env:
            {{- join "\n" . | nindent 12 }}
          {{- end }}
          envFrom:
            - configMapRef:
                name: {{ .component }}-config
            # Made by the ingress and by the dashboard, where they are applied.
            - configMapRef:
                name: ingress-hosts
                optional: true
            - configMapRef:
                name: telemetry
                optional: true
            {{- with $values.extraEnvFrom }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          startupProbe:
            {{- include "llasta.probe" (dict "path" "/health" "period" 1 "failures" 60) | nindent 12 }}
          readinessProbe:
            {{- include "llasta.probe" (dict "path" "/health" "period" 5 "failures" 3) | nindent 12 }}
          # Restarts only what hangs: a minute of silence on a path that depends on nothing else.
          livenessProbe:
            {{- include "llasta.probe" (dict "path" "/alive" "period" 10 "failures" 6) | nindent 12 }}
          lifecycle:
            {{- include "llasta.preStop" . | nindent 12 }}
          {{- with $values.extraVolumeMounts }}
          volumeMounts:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      topologySpreadConstraints:
        {{- if $values.topologySpreadConstraints }}
        {{- toYaml $values.topologySpreadConstraints | nindent 8 }}
        {{- else }}
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/component: {{ .component }}
        {{- end }}
      {{- with include "llasta.scheduling" $scope }}
      {{- . | trim | nindent 6 }}
      {{- end }}
      {{- with $values.extraVolumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}

{{/* Takes `port`, which is also the container's. */}}
{{- define "llasta.service" -}}
{{- $annotations := (index .context.Values .component).serviceAnnotations -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "llasta.metadata" (merge (dict "name" .component "annotations" $annotations) .) | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "llasta.selectorLabels" . | nindent 4 }}
  ports:
    - name: http
      port: {{ .port }}
      targetPort: {{ .port }}
      protocol: TCP
{{- end }}

{{- define "llasta.autoscaler" -}}
{{- with (index .context.Values .component).autoscaling -}}
{{- if .enabled -}}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail (printf "%s.autoscaling.minReplicas (%v) is more than maxReplicas (%v)" $.component .minReplicas .maxReplicas) }}
{{- end -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "llasta.metadata" (merge (dict "name" (printf "%s-autoscaler" $.component)) $) | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $.component }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .targetCPUUtilization }}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
      policies:
        - type: Pods
          value: 1
          periodSeconds: 60
{{- end }}
{{- end }}
{{- end }}

{{- define "llasta.disruptionBudget" -}}
{{- with (index .context.Values .component).podDisruptionBudget -}}
{{- if .enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "llasta.metadata" (merge (dict "name" (printf "%s-disruption" $.component)) $) | nindent 2 }}
spec:
  maxUnavailable: {{ .maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      app.kubernetes.io/component: {{ $.component }}
{{- end }}
{{- end }}
{{- end }}
