using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class AddGraphSubscriptions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "person",
                table: "sync_run",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "claimed_at",
                table: "client_sync",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "hinted_at",
                table: "client_sync",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "graph_subscription",
                columns: table => new
                {
                    client_id = table.Column<Guid>(type: "uuid", nullable: false),
                    resource = table.Column<string>(type: "text", nullable: false),
                    msp_id = table.Column<Guid>(type: "uuid", nullable: false),
                    directory_tenant_id = table.Column<Guid>(type: "uuid", nullable: false),
                    wanted = table.Column<bool>(type: "boolean", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: true),
                    secret_hash = table.Column<byte[]>(type: "bytea", nullable: true),
                    notification_url = table.Column<string>(type: "text", nullable: true),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    due_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    fence = table.Column<long>(type: "bigint", nullable: false),
                    failures = table.Column<int>(type: "integer", nullable: false),
                    problem = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_graph_subscription", x => new { x.client_id, x.resource });
                });

            migrationBuilder.CreateIndex(
                name: "ix_graph_subscription_due_at",
                table: "graph_subscription",
                column: "due_at");

            migrationBuilder.CreateIndex(
                name: "ix_graph_subscription_subscription_id",
                table: "graph_subscription",
                column: "subscription_id",
                unique: true);

            // Clients that are connected already (2, or 4 while broken) get theirs as if they had consented now.
            migrationBuilder.Sql(
                """
                insert into graph_subscription (client_id, resource, msp_id, directory_tenant_id, wanted, fence, failures, problem)
                select client_id, r, msp_id, directory_tenant_id, true, 0, 0, '' from connection, unnest(array['users', 'groups']) r
                where state in (2, 4) and directory_tenant_id is not null
                  and (r = 'users' or 'Group.Read.All' = any (granted_permissions))
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "graph_subscription");

            migrationBuilder.DropColumn(
                name: "person",
                table: "sync_run");

            migrationBuilder.DropColumn(
                name: "claimed_at",
                table: "client_sync");

            migrationBuilder.DropColumn(
                name: "hinted_at",
                table: "client_sync");
        }
    }
}
