package export

// kubernetes writes a Deployment and a Service.
func kubernetes(p *page, f *File) {
	p.textf(`
# Made by "standpipe export kubernetes" from %[1]s.
# The image is that of "standpipe export docker"; its name goes below.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[2]s
  labels:
    app.kubernetes.io/name: %[2]s
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: %[2]s
  template:
    metadata:
      labels:
        app.kubernetes.io/name: %[2]s
    spec:
      # More than stop_timeout. No preStop is needed: in a cluster shutdown_delay is 5s, while endpoints are removed.
      terminationGracePeriodSeconds: %[3]d
      # A Service that is named standpipe would set variables that begin as those of settings do.
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: %[2]s
          # %[7]s
          image: %[2]s:%[6]s
          args: ["standpipe", %[4]s]
          ports:
            - name: http
              containerPort: %[5]d
`, f.Source, f.dns(), f.Grace, jsonWords(f.Command), f.Inside, f.Tag, f.TagFrom)
	kubernetesProbes(p, f)
	p.textf(`
          resources:
            requests:
              cpu: 250m
              memory: 256Mi
            limits:
              # The number of workers follows it.
              memory: 1Gi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: ["ALL"]
          volumeMounts:
            - name: tmp
              mountPath: /tmp
      volumes:
        # Bodies that do not fit into memory, and the control socket.
        - name: tmp
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: %[1]s
  labels:
    app.kubernetes.io/name: %[1]s
spec:
  selector:
    app.kubernetes.io/name: %[1]s
  ports:
    - name: http
      port: 80
      targetPort: http
`, f.dns())
}

func kubernetesProbes(p *page, f *File) {
	if f.Ready == "" {
		p.text(`
          # health_path is off: without checks, a pod counts as ready when its port is open.
          readinessProbe:
            tcpSocket:
              port: http
            periodSeconds: 5
`)
		return
	}
	p.textf(`
          # Until the first worker of each app is ready.
          startupProbe:
            httpGet:
              path: %[1]s
              port: http
            periodSeconds: 2
            failureThreshold: %[2]d
          readinessProbe:
            httpGet:
              path: %[1]s
              port: http
            periodSeconds: 5
          livenessProbe:
            httpGet:
              path: %[3]s
              port: http
            periodSeconds: 10
            timeoutSeconds: 5
`, f.Ready, f.startTries(), f.Live)
}
