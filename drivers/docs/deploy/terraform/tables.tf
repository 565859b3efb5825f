# The tables, with times to live and backups, and what the function may do with them. DynamoDB encrypts
# every table.

resource "aws_dynamodb_table" "rate_limits" {
  name         = "${var.name}-rate-limits"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "PK"
  range_key    = "SK"

  attribute {
    name = "PK"
    type = "S"
  }
  attribute {
    name = "SK"
    type = "S"
  }
  ttl {
    attribute_name = "TTL"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_dynamodb_table" "events" {
  name         = "${var.name}-events"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "PartitionKey"
  range_key    = "SortKey"

  attribute {
    name = "PartitionKey"
    type = "S"
  }
  attribute {
    name = "SortKey"
    type = "S"
  }
  attribute {
    name = "TenantID"
    type = "S"
  }
  attribute {
    name = "PublishedAt"
    type = "S"
  }
  attribute {
    name = "ID"
    type = "S"
  }
  global_secondary_index {
    name            = "tenant-timestamp-index"
    hash_key        = "TenantID"
    range_key       = "PublishedAt"
    projection_type = "ALL"
  }
  global_secondary_index {
    name            = "event-id-index"
    hash_key        = "ID"
    projection_type = "ALL"
  }
  ttl {
    attribute_name = "ttl"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_dynamodb_table" "idempotency" {
  name         = "${var.name}-idempotency"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "PK"
  range_key    = "SK"

  attribute {
    name = "PK"
    type = "S"
  }
  attribute {
    name = "SK"
    type = "S"
  }
  ttl {
    attribute_name = "TTL"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_dynamodb_table" "connections" {
  name         = "${var.name}-connections"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "PK"
  range_key    = "SK"

  attribute {
    name = "PK"
    type = "S"
  }
  attribute {
    name = "SK"
    type = "S"
  }
  attribute {
    name = "Topic"
    type = "S"
  }
  global_secondary_index {
    name            = "topic-index"
    hash_key        = "Topic"
    range_key       = "PK"
    projection_type = "ALL"
  }
  ttl {
    attribute_name = "TTL"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
}

data "aws_iam_policy_document" "tables" {
  # Limits. A `sliding` limit also needs `dynamodb:BatchGetItem`.
  statement {
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.rate_limits.arn]
  }
  # Events are published, and read by type or by tenant.
  statement {
    actions   = ["dynamodb:PutItem", "dynamodb:Query"]
    resources = [aws_dynamodb_table.events.arn]
  }
  statement {
    actions   = ["dynamodb:Query"]
    resources = ["${aws_dynamodb_table.events.arn}/index/*"]
  }
  # Work that is done once.
  statement {
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.idempotency.arn]
  }
  # Rooms of connections.
  statement {
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.connections.arn]
  }
  statement {
    actions   = ["dynamodb:Query"]
    resources = ["${aws_dynamodb_table.connections.arn}/index/topic-index"]
  }
}

resource "aws_iam_role_policy" "tables" {
  name   = "tables"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.tables.json
}
