using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

public sealed class BrandApi(NotificationDbContext db, TenantContext tenant) : BrandService.BrandServiceBase
{
    public override async Task<GetBrandResponse> GetBrand(GetBrandRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        await using var transaction = await db.BeginAsync(ct);

        return new() { Brand = (await FindAsync(ct) ?? await DefaultAsync(ct)).ToProto() };
    }

    public override async Task<UpdateBrandResponse> UpdateBrand(UpdateBrandRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var change = request.Brand ?? throw AppException.Invalid("brand", "is required");
        var paths = Masks.Paths(request.UpdateMask);

        await using var transaction = await db.BeginAsync(ct);
        var brand = await FindAsync(ct);
        if (change.Etag is { Length: > 0 } etag && etag != (brand?.Version ?? 0).Etag())
        {
            throw AppException.Stale("brand", tenant.MspId);
        }

        if (brand is null)
        {
            brand = await DefaultAsync(ct);
            db.Brands.Add(brand);
        }

        foreach (var path in paths)
        {
            BrandRules.Apply(brand, change, path);
        }

        await SaveAsync(ct);
        await transaction.CommitAsync(ct);
        return new() { Brand = brand.ToProto() };
    }

    /// <summary>Two first updates at once: the second is told to read again.</summary>
    private async Task SaveAsync(CancellationToken ct)
    {
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (e.IsUniqueViolation())
        {
            throw AppException.Stale("brand", tenant.MspId);
        }
    }

    private Task<MspBrand?> FindAsync(CancellationToken ct) =>
        db.Brands.SingleOrDefaultAsync(b => b.MspId == tenant.MspId, ct);

    private async Task<MspBrand> DefaultAsync(CancellationToken ct) =>
        DefaultBrand.Of(
            tenant.MspId,
            await db
                .Clients.Where(c => c.MspId == tenant.MspId)
                .OrderByDescending(c => c.ClientId)
                .Select(c => c.MspDisplayName)
                .FirstOrDefaultAsync(ct)
        );
}
