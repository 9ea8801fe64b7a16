/** Words that read like names and are terms of the trade: a text of these alone names nobody. */
const TERMS: ReadonlySet<string> = new Set(
  [
    'Ansible Apache API AWS Azure Babel Bash Bazel BERT Boolean Bootstrap Cassandra Celery Chrome Clojure Consul CORS CPU',
    'CSS Cypress Dagger Dart Debian Django Docker Elastic Elasticsearch Elixir Envoy Erlang Express Fedora Firefox Flask',
    'Gemini Git GitHub GitLab Go Godot Gradle Grafana GraphQL Groovy gRPC Hadoop Haskell Helm HTML HTTP HTTPS Istio',
    'Java JavaScript Jenkins Jest Jira Joomla JSON Jupyter JWT Kafka Keras Kibana Kotlin Kubernetes Laravel',
    'Linux Llama Lua Luhn Lucene Markdown Maven Mistral Mocha MongoDB MySQL NATS Neo4j Nginx Node OAuth OpenAI OpenID Oracle',
    'Pandas PDF Perl PHP Playwright Postgres PostgreSQL Prometheus Puppet Python PyTorch Qwen Rails React Redis REST',
    'Rust Safari Scala Selenium Sentry Shell Spark Spring SQL SQLite Swift Terraform Tomcat TypeScript Ubuntu',
    'Unicode Unix URL UTF Vagrant Vault Vim Vite Vue Webpack Windows WebSocket XML YAML Zig Zookeeper',
    'Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March July September',
    'October November December Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag Lundi Mardi Mercredi Jeudi',
    'Vendredi Samedi Dimanche English French German Spanish Italian Dutch Portuguese Chinese Japanese',
  ]
    .join(' ')
    .toLowerCase()
    .split(' '),
);

export function isTechnical(word: string): boolean {
  return TERMS.has(word.toLowerCase());
}
