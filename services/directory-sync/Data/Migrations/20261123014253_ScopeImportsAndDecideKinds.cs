using System;
using System.Collections.Generic;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class ScopeImportsAndDecideKinds : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "outside_import",
                table: "staged_removal",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "decided_kind",
                table: "directory_user",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "kind_decided_at",
                table: "directory_user",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "kind_decided_by",
                table: "directory_user",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "kind_reason",
                table: "directory_user",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "mailbox_due_at",
                table: "directory_user",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "mailbox_purpose",
                table: "directory_user",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "mailbox_read_at",
                table: "directory_user",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "outside_import",
                table: "directory_user",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            // What was the kind was a suggestion; nobody has decided anything yet.
            migrationBuilder.RenameColumn(
                name: "kind",
                table: "directory_user",
                newName: "suggested_kind");

            migrationBuilder.AddColumn<bool>(
                name: "imported",
                table: "directory_group",
                type: "boolean",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<List<Guid>>(
                name: "import_group_ids",
                table: "connection",
                type: "uuid[]",
                nullable: false,
                defaultValueSql: "'{}'");

            migrationBuilder.AddColumn<int>(
                name: "import_groups",
                table: "connection",
                type: "integer",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<int>(
                name: "import_people",
                table: "connection",
                type: "integer",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<List<Guid>>(
                name: "import_people_groups",
                table: "connection",
                type: "uuid[]",
                nullable: false,
                defaultValueSql: "'{}'");

            migrationBuilder.AddColumn<long>(
                name: "import_revision",
                table: "connection",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "outside_count",
                table: "connection",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<int>(
                name: "kind",
                table: "directory_user",
                type: "integer",
                nullable: false,
                computedColumnSql: "coalesce(decided_kind, suggested_kind)",
                stored: true);

            migrationBuilder.CreateTable(
                name: "outside_user",
                columns: table => new
                {
                    client_id = table.Column<Guid>(type: "uuid", nullable: false),
                    object_id = table.Column<Guid>(type: "uuid", nullable: false),
                    msp_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_outside_user", x => new { x.client_id, x.object_id });
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "outside_user");

            migrationBuilder.DropColumn(
                name: "outside_import",
                table: "staged_removal");

            migrationBuilder.DropColumn(
                name: "kind",
                table: "directory_user");

            migrationBuilder.RenameColumn(
                name: "suggested_kind",
                table: "directory_user",
                newName: "kind");

            migrationBuilder.DropColumn(
                name: "decided_kind",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "kind_decided_at",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "kind_decided_by",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "kind_reason",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "mailbox_due_at",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "mailbox_purpose",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "mailbox_read_at",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "outside_import",
                table: "directory_user");

            migrationBuilder.DropColumn(
                name: "imported",
                table: "directory_group");

            migrationBuilder.DropColumn(
                name: "import_group_ids",
                table: "connection");

            migrationBuilder.DropColumn(
                name: "import_groups",
                table: "connection");

            migrationBuilder.DropColumn(
                name: "import_people",
                table: "connection");

            migrationBuilder.DropColumn(
                name: "import_people_groups",
                table: "connection");

            migrationBuilder.DropColumn(
                name: "import_revision",
                table: "connection");

            migrationBuilder.DropColumn(
                name: "outside_count",
                table: "connection");

        }
    }
}
