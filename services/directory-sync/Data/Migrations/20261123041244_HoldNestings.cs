using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class HoldNestings : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "held_at",
                table: "membership",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_membership_client_id",
                table: "membership",
                column: "client_id",
                filter: "held_at is not null");

            migrationBuilder.CreateIndex(
                name: "ix_membership_client_id_group_object_id",
                table: "membership",
                columns: new[] { "client_id", "group_object_id" },
                filter: "member_type = 2");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_membership_client_id",
                table: "membership");

            migrationBuilder.DropIndex(
                name: "ix_membership_client_id_group_object_id",
                table: "membership");

            migrationBuilder.DropColumn(
                name: "held_at",
                table: "membership");
        }
    }
}
