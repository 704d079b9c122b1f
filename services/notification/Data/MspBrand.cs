using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Notification.Data;

/// <summary>How an MSP's mails look. No row: a default made from its name.</summary>
public sealed class MspBrand
{
    public required Guid MspId { get; init; }
    public required string SenderName { get; set; }

    /// <summary>Empty: the platform's own address.</summary>
    public string FromAddress { get; set; } = "";
    public string PrimaryColor { get; set; } = "#1f4e79";
    public string TextColor { get; set; } = "#ffffff";
    public string LogoUrl { get; set; } = "";
    public string TrainingUrl { get; set; } = "";
    public string Footer { get; set; } = "";
    public string SupportContact { get; set; } = "";
    public uint Version { get; private init; }
}

internal sealed class MspBrandConfiguration : IEntityTypeConfiguration<MspBrand>
{
    public void Configure(EntityTypeBuilder<MspBrand> builder)
    {
        builder.ToTable("brand");
        builder.HasKey(b => b.MspId);
        builder.Property(b => b.SenderName).HasMaxLength(100);
        builder.Property(b => b.Footer).HasMaxLength(500);
        builder.Property(b => b.SupportContact).HasMaxLength(200);
        builder.Property(b => b.Version).IsRowVersion();
    }
}
